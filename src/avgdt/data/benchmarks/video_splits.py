"""What UCF101 and HMDB51 share: folders of videos by class, and three splits into train and test as lists."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from avgdt.data.benchmarks.layout import VIDEOS, Files, Layout, check_classes, check_some, lay_out
from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry

SPLITS = (1, 2, 3)
"""Of both data sets."""


def check_split(split: int) -> None:
    """Raise :class:`DataError` for a split that there is not."""
    if split not in SPLITS:
        raise DataError(f"split: there is none of number {split}; use 1, 2 or 3")


def read_rows(path: Path, archive: str) -> Iterator[tuple[str, list[str]]]:
    """The lines of a list that are not empty: where each is, for messages, and its words.

    Raises :class:`DataError` naming the archive that the list is from where it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        why = "not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise DataError(f"{path}: {why}; it is from {archive}") from error
    return ((f"{path}, line {n}", line.split()) for n, line in enumerate(text.splitlines(), start=1) if line.strip())


def home_of_videos(folder: Path, names: Sequence[str]) -> Path:
    """The subfolder of one of ``names`` that holds the class folders, else ``folder`` itself."""
    return next((folder / name for name in names if (folder / name).is_dir()), folder)


def read_videos(
    home: Path,
    lists: Path,
    listed: Sequence[tuple[str, Entry]],
    classes: Sequence[str],
    by: str,
    unused: Collection[str] = (),
) -> Layout:
    """Find the listed videos (where each is listed, and its entry, whose path is CLASS/NAME) in the folders of classes.

    Raises :class:`DataError` for a video that is listed twice, and where none, or none of a class, is there for train
    or test. Files of the names ``unused`` are neither entries nor unlisted.
    """
    seen = dict[str, tuple[str, str]]()
    for where, entry in listed:
        name, split = entry.path.as_posix(), entry.extra["split"]
        other = seen.setdefault(name.casefold(), (where, split))
        if other[0] != where:
            both = f"in {other[1]} and in {split}" if other[1] != split else "twice"
            raise DataError(f"{where}: {name} is listed {both}; take the lists as distributed")
    paths = [path for path in sorted(home.glob("*/*")) if path.parent != lists and path.is_file()]
    there = Files({path.relative_to(home).as_posix(): path for path in paths})
    layout = lay_out([entry for _, entry in listed], there, home, VIDEOS, by)
    check_some(layout.entries, "videos", home, by)
    check_classes(layout.entries, classes, "video", home)
    known = {there.look_up(name, VIDEOS) for name in unused}
    return Layout(layout.entries, [path for path in layout.unlisted if path not in known])
