"""Reader of DCASE2014: the acoustic scenes of the first D-CASE challenge (Stowell et al. 2015), as distributed."""

from __future__ import annotations

import re
from pathlib import Path

from avgdt.data.benchmarks.layout import AUDIO_SUFFIXES, Layout, check_classes_complete
from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry

CLASSES = (
    "bus",
    "busystreet",
    "office",
    "openairmarket",
    "park",
    "quietstreet",
    "restaurant",
    "supermarket",
    "tube",
    "tubestation",
)
"""Acoustic scene classes of DCASE2014; a file is named after its class and a two-digit number, such as bus01."""
FOLDERS = {"train": "scenes_stereo", "test": "scenes_stereo_testset"}
"""Folder of each split of DCASE2014: the public development set is train, the formerly private test set is test."""


def read_layout(folder: Path) -> Layout:
    """Return the recordings of DCASE2014 in ``folder``, each with its ``split`` (train or test) and ``label``.

    The folder of a file determines its split, and the file name determines its label. Raises :class:`DataError` if a
    folder is missing, a class has no recordings in a split, or a recording has two files.
    """
    entries, unlisted = list[Entry](), list[Path]()
    seen = dict[tuple[str, str], Path]()
    for split, name in FOLDERS.items():
        home = folder / name
        if not home.is_dir():
            raise DataError(
                f"{home}: no such folder; --data takes the parent of {' and '.join(FOLDERS.values())}, extracted from "
                "the archives (zip) of these names"
            )
        # Some tools extract an archive into a further folder of the same name.
        for path in sorted((home / name if (home / name).is_dir() else home).iterdir()):
            match = re.fullmatch(r"([a-z]+)\d+", path.stem)
            if match and match[1] in CLASSES and path.suffix.lower() in AUDIO_SUFFIXES:
                first = seen.setdefault((split, path.stem), path)
                if first != path:
                    raise DataError(f"{path}: the same recording as {first.name}; delete one of them")
                entries.append(Entry(path, extra={"split": split, "label": match[1]}))
            else:
                unlisted.append(path)
    if not entries:
        raise DataError(f"{folder}: no file in {' or '.join(FOLDERS.values())} is named like bus01.wav")
    check_classes_complete(entries, CLASSES, "recording", folder)
    return Layout(entries, unlisted)
