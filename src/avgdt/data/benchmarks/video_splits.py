"""The layout of UCF101 and HMDB51: a folder of videos per class, and lists of three splits into train and test."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from avgdt.data.benchmarks.layout import VIDEOS, Files, Layout, check_classes_complete, check_some, lay_out
from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry

SPLITS = (1, 2, 3)
"""The official splits of both data sets."""


def check_split(split: int) -> None:
    """Raise :class:`DataError` for an unknown split."""
    if split not in SPLITS:
        raise DataError(f"split: {split} does not exist; use 1, 2 or 3")


def read_rows(path: Path, archive: str) -> Iterator[tuple[str, list[str]]]:
    """The non-empty lines of a list: the position of each, for messages, and its words.

    Raises :class:`DataError` where the list cannot be read; the message names its ``archive``.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        why = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise DataError(f"{path}: {why}; extract it from {archive}") from error
    return ((f"{path}, line {n}", line.split()) for n, line in enumerate(text.splitlines(), start=1) if line.strip())


def home_of_videos(folder: Path, names: Sequence[str]) -> Path:
    """The first existing subfolder of ``folder`` named in ``names``, else ``folder`` itself."""
    return next((folder / name for name in names if (folder / name).is_dir()), folder)


def read_videos(
    home: Path,
    lists: Path,
    listed: Sequence[tuple[str, Entry]],
    classes: Sequence[str],
    by: str,
    unused: Collection[str] = (),
) -> Layout:
    """The layout of the videos in class folders below ``home``.

    ``listed`` holds the position in its list and the entry of each video, whose path is CLASS/NAME. Videos ``unused``
    are neither entries nor unlisted. Raises :class:`DataError` for a video that is listed twice, and where no video
    exists at all, or none of a class for train or test.
    """
    seen = dict[str, tuple[str, str]]()
    for where, entry in listed:
        name, split = entry.path.as_posix(), entry.extra["split"]
        first_where, first_split = seen.setdefault(name.casefold(), (where, split))
        if first_where != where:
            both = f"in {first_split} and in {split}" if first_split != split else "twice"
            raise DataError(f"{where}: {name} is listed {both}; use the lists as distributed")
    paths = [path for path in sorted(home.glob("*/*")) if path.parent != lists and path.is_file()]
    files = Files({path.relative_to(home).as_posix(): path for path in paths})
    layout = lay_out([entry for _, entry in listed], files, home, VIDEOS, by)
    check_some(layout.entries, "videos", home, by)
    check_classes_complete(layout.entries, classes, "video", home)
    known = {files.look_up(name, VIDEOS) for name in unused}
    return Layout(layout.entries, [path for path in layout.unlisted if path not in known])
