"""HMDB51 as distributed (Kuehne et al. 2011): a folder for each class, and a list for each class and split."""

from __future__ import annotations

import re
from pathlib import Path

from avgdt.data.benchmarks.layout import VIDEOS, Layout
from avgdt.data.benchmarks.video_splits import check_split, home_of_videos, read_rows, read_videos
from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry

LISTS = "testTrainMulti_7030_splits"
ARCHIVE = "test_train_splits.rar"
"""The archive of the lists."""
PARTS = {"1": "train", "2": "test", "0": ""}
"""Part of the split by the number after a video; videos with 0 are in neither part."""


def read_layout(folder: Path, split: int) -> Layout:
    """The videos of one of the splits 1, 2, 3, each with its ``split`` (train or test) and ``label``.

    The class folders are those of ``folder/hmdb51_org``, of ``folder/videos`` or of ``folder`` itself. Videos in
    neither part of the split are not entries. Raises :class:`DataError` for missing folders, and for lists that
    contradict each other or the files.
    """
    check_split(split)
    lists, home = folder / LISTS, home_of_videos(folder, ("hmdb51_org", "videos"))
    if not lists.is_dir():
        raise DataError(
            f"{lists}: no such folder; --data takes HMDB51's folder as distributed: {LISTS}/ (from {ARCHIVE}) beside "
            "the class folders (from hmdb51_org.rar)"
        )
    classes = _classes(home, lists)
    listed, unused = list[tuple[str, Entry]](), list[str]()
    for label in classes:
        for where, words in read_rows(lists / f"{label}_test_split{split}.txt", ARCHIVE):
            if len(words) != 2 or words[1] not in PARTS:
                raise DataError(
                    f"{where}: '{' '.join(words)}' is not a video and 0, 1 or 2; use the list as distributed"
                )
            name, part = f"{label}/{words[0]}", PARTS[words[1]]
            if part:
                source = words[0].split(f"_{label}_")[0]  # the film
                listed.append((where, Entry(Path(name), extra={"split": part, "label": label, "source": source})))
            else:
                unused.append(name)
    return read_videos(home, lists, listed, classes, f"the lists of split {split}", unused)


def _classes(home: Path, lists: Path) -> list[str]:
    """The classes that have a list or a folder of videos."""
    matches = [re.fullmatch(r"(.+)_test_split\d", path.stem) for path in lists.glob("*.txt")]
    folders = {path.parent for path in home.glob("*/*") if path.suffix.lower() in VIDEOS}
    names = [*sorted(match[1] for match in matches if match), *sorted(path.name for path in folders - {lists})]
    spelt = {name.casefold(): name for name in reversed(names)}  # as the lists spell them, where they do
    classes = sorted(spelt.values())
    if not classes:
        raise DataError(f"{lists}: contains no list such as brush_hair_test_split1.txt; extract {ARCHIVE} here")
    return classes
