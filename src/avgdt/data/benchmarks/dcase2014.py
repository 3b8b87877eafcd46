"""The scenes of the first D-CASE challenge as they are distributed (Stowell et al. 2015), in the paper DCASE2014."""

from __future__ import annotations

import re
from pathlib import Path

from avgdt.data.benchmarks.layout import SOUNDS, Layout, check_classes
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
"""Of ten sounds each in either folder; a sound is named by its class and two digits, which leave gaps."""
FOLDERS = {"train": "scenes_stereo", "test": "scenes_stereo_testset"}
"""The development set and the one that was private at first."""


def read_layout(folder: Path) -> Layout:
    """The sounds of both sets, each with its ``split`` (train or test) and ``label``, by their names: there is no list.

    Raises :class:`DataError` where a folder lacks, for a class that lacks in one, and for a sound that is there twice.
    """
    entries, unlisted = list[Entry](), list[Path]()
    seen = dict[tuple[str, str], Path]()
    for split, name in FOLDERS.items():
        home = folder / name
        if not home.is_dir():
            raise DataError(
                f"{home}: not there; --data takes the folder of both {' and '.join(FOLDERS.values())}, extracted from "
                "the archives (zip) of these names"
            )
        # An archive may have been extracted into a folder of its own.
        for path in sorted((home / name if (home / name).is_dir() else home).iterdir()):
            match = re.fullmatch(r"([a-z]+)\d+", path.stem)
            if match and match[1] in CLASSES and path.suffix.lower() in SOUNDS:
                other = seen.setdefault((split, path.stem), path)
                if other != path:
                    raise DataError(f"{path}: the same sound as {other.name}; keep one of them")
                entries.append(Entry(path, extra={"split": split, "label": match[1]}))
            else:
                unlisted.append(path)
    if not entries:
        raise DataError(f"{folder}: {' and '.join(FOLDERS.values())} hold no sound that is named such as bus01.wav")
    check_classes(entries, CLASSES, "sound", folder)
    return Layout(entries, unlisted)
