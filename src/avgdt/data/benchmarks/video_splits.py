"""Layout of UCF101 and HMDB51: a folder of videos per class, and lists of three splits into train and test."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from avgdt.data.benchmarks.layout import VIDEO_SUFFIXES, Files, Layout, check_classes_complete, check_some, lay_out
from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry

SPLITS = (1, 2, 3)
"""Numbers of the official splits of UCF101 and HMDB51."""


def check_split(split: int) -> None:
    """Raise :class:`DataError` if ``split`` is not 1, 2 or 3."""
    if split not in SPLITS:
        raise DataError(f"split: {split} does not exist; use 1, 2 or 3")


def read_rows(path: Path, archive: str) -> Iterator[tuple[str, list[str]]]:
    """Return the position and the words of each non-empty line of a list; the position is meant for error messages.

    Raises :class:`DataError` if the list cannot be read; the message names the ``archive`` that contains it.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        why = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise DataError(f"{path}: {why}; extract it from {archive}") from error
    return ((f"{path}, line {n}", line.split()) for n, line in enumerate(text.splitlines(), start=1) if line.strip())


def home_of_videos(folder: Path, names: Sequence[str]) -> Path:
    """Return the first existing subfolder of ``folder`` named in ``names``, else ``folder`` itself."""
    return next((folder / name for name in names if (folder / name).is_dir()), folder)


def match_videos(
    home: Path,
    lists: Path,
    listed: Sequence[tuple[str, Entry]],
    classes: Sequence[str],
    by: str,
    unused: Collection[str] = (),
) -> Layout:
    """Match listed videos with the files in the class folders below ``home``; return the layout.

    ``listed`` contains for each video the position in its list and its entry, whose path is CLASS/NAME. Videos in
    ``unused`` are in neither the listed nor the unlisted files of the layout. Raises :class:`DataError` unless
    every video is listed only once and every class has an existing video in both train and test.
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
    layout = lay_out([entry for _, entry in listed], files, home, VIDEO_SUFFIXES, by)
    check_some(layout.entries, "videos", home, by)
    check_classes_complete(layout.entries, classes, "video", home)
    known = {files.look_up(name, VIDEO_SUFFIXES) for name in unused}
    return Layout(layout.entries, [path for path in layout.unlisted if path not in known])
