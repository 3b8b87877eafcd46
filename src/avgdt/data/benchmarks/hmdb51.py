"""Reader of HMDB51 as distributed (Kuehne et al. 2011): a folder per class, and a list per class and split."""

from __future__ import annotations

import re
from pathlib import Path

from avgdt.data.benchmarks.layout import VIDEO_SUFFIXES, Layout
from avgdt.data.benchmarks.video_splits import check_split, home_of_videos, match_videos, read_rows
from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry

LISTS = "testTrainMulti_7030_splits"
"""Folder of the split lists of HMDB51."""
ARCHIVE = "test_train_splits.rar"
"""Name of the archive that contains the split lists of HMDB51."""
PARTS = {"1": "train", "2": "test", "0": ""}
"""Split for each number that follows a video in a list; videos with 0 are in neither train nor test."""


def read_layout(folder: Path, split: int) -> Layout:
    """Return the videos of HMDB51 in ``folder``, each with its ``label`` and its ``split`` (train or test).

    The argument ``split`` is the number of the official split into train and test: 1, 2 or 3. Class folders are read
    from ``folder/hmdb51_org``, ``folder/videos`` or ``folder`` itself. Videos in neither train nor test are omitted.
    Raises :class:`DataError` if a folder is missing, or if the lists contradict each other or the files.
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
                    f"{where}: '{' '.join(words)}' is not a video followed by 0, 1 or 2; use the list as distributed"
                )
            name, part = f"{label}/{words[0]}", PARTS[words[1]]
            if part:
                source = words[0].split(f"_{label}_")[0]  # name of the film
                listed.append((where, Entry(Path(name), extra={"split": part, "label": label, "source": source})))
            else:
                unused.append(name)
    return match_videos(home, lists, listed, classes, f"the lists of split {split}", unused)


def _classes(home: Path, lists: Path) -> list[str]:
    """Return the classes that have a list or a folder of videos."""
    matches = [re.fullmatch(r"(.+)_test_split\d", path.stem) for path in lists.glob("*.txt")]
    folders = {path.parent for path in home.glob("*/*") if path.suffix.lower() in VIDEO_SUFFIXES}
    names = [*sorted(match[1] for match in matches if match), *sorted(path.name for path in folders - {lists})]
    spelt = {name.casefold(): name for name in reversed(names)}  # the spelling in the lists takes precedence
    classes = sorted(spelt.values())
    if not classes:
        raise DataError(f"{lists}: contains no list such as brush_hair_test_split1.txt; extract {ARCHIVE} here")
    return classes
