"""Reader of UCF101 as distributed (Soomro et al. 2012): a folder per class, and lists of three splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from avgdt.data.benchmarks.layout import Layout
from avgdt.data.benchmarks.video_splits import check_split, home_of_videos, match_videos, read_rows
from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry

LISTS = "ucfTrainTestlist"
"""Folder of the split lists of UCF101."""
ARCHIVE = "UCF101TrainTestSplits-RecognitionTask.zip"
"""Name of the archive that contains the split lists of UCF101."""


def read_layout(folder: Path, split: int) -> Layout:
    """Return the videos of UCF101 in ``folder``, each with its ``label`` and its ``split`` (train or test).

    The argument ``split`` is the number of the official split into train and test: 1, 2 or 3. Class folders are read
    from ``folder/UCF-101``, ``folder/videos`` or ``folder`` itself. Raises :class:`DataError` if a folder is missing,
    or if the lists contradict each other or the files.
    """
    check_split(split)
    lists, home = folder / LISTS, home_of_videos(folder, ("UCF-101", "videos"))
    if not lists.is_dir():
        raise DataError(
            f"{lists}: no such folder; --data takes UCF101's folder as distributed: {LISTS}/ (from {ARCHIVE}) beside "
            "UCF-101/ (from UCF101.rar) or its class folders"
        )
    classes = _classes(lists / "classInd.txt")
    listed = [
        (where, Entry(Path(name), extra={"split": part, "label": label, "source": name.rpartition("_")[0]}))
        for part in ("train", "test")
        for where, name, label in _listed(lists / f"{part}list{split:02d}.txt", classes)
    ]
    return match_videos(home, lists, listed, list(classes), f"the lists of split {split}")


def _classes(path: Path) -> Mapping[str, str]:
    """Return a mapping from the class names in ``classInd.txt`` to the class numbers."""
    classes = dict[str, str]()
    for where, words in read_rows(path, ARCHIVE):
        if len(words) != 2 or not words[0].isdecimal():
            raise DataError(
                f"{where}: '{' '.join(words)}' is not a number followed by a class; use the list as distributed"
            )
        if words[1] in classes or words[0] in classes.values():
            raise DataError(
                f"{where}: class '{words[1]}' or number {words[0]} is listed twice; use the list as distributed"
            )
        classes[words[1]] = words[0]
    return classes


def _listed(path: Path, classes: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the position in the list, the name and the class of each listed video.

    Class numbers, which only training lists have, must agree with ``classInd.txt``. The capitalisation of a class name
    may differ: some copies of the data set have HandStandPushups, others HandstandPushups.
    """
    spelt = {name.casefold(): name for name in classes}
    for where, words in read_rows(path, ARCHIVE):
        name, numbers = words[0], words[1:]
        label, slash, file = name.partition("/")
        if not slash or not file or "/" in file or len(numbers) > 1:
            raise DataError(f"{where}: '{' '.join(words)}' is not CLASS/VIDEO; use the list as distributed")
        label = spelt.get(label.casefold(), label)
        if label not in classes:
            raise DataError(f"{where}: class '{label}' is not in classInd.txt; use the lists as distributed")
        if numbers and numbers[0] != classes[label]:
            raise DataError(
                f"{where}: class '{label}' has number {numbers[0]}, but {classes[label]} in classInd.txt; "
                "use the lists as distributed"
            )
        yield where, name, label
