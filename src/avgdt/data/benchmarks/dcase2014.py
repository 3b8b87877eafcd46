"""DCASE2014 as distributed: the scenes of the first D-CASE challenge (Stowell et al. 2015)."""

from __future__ import annotations

import re
from pathlib import Path

from avgdt.data.benchmarks.layout import SOUNDS, Layout, check_classes_complete
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
"""The classes, each with ten recordings per folder; files are named after their class and a two-digit number."""
FOLDERS = {"train": "scenes_stereo", "test": "scenes_stereo_testset"}
"""Folder of each split: the development set, and the test set, which was private at first."""


def read_layout(folder: Path) -> Layout:
    """The recordings of both splits, each with its ``split`` (train or test) and ``label``, by folder and file name.

    Raises :class:`DataError` for a missing folder, a class without recordings in a split, and two files of a recording.
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
        # An archive may have been extracted into a folder of its own.
        for path in sorted((home / name if (home / name).is_dir() else home).iterdir()):
            match = re.fullmatch(r"([a-z]+)\d+", path.stem)
            if match and match[1] in CLASSES and path.suffix.lower() in SOUNDS:
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
