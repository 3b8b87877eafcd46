"""The layout of a data set as distributed: the files that its lists name, matched with the files in its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry
from avgdt.data.table import composed

SOUNDS = (".wav", ".flac", ".ogg")
"""Suffixes of audio files; a listed file may have any of them, whichever the list gives."""
VIDEOS = (".avi", ".mp4", ".webm", ".mkv")
"""Suffixes of video files; a listed file may have any of them, as videos are often re-encoded."""


@dataclass(frozen=True)
class Layout:
    """The files of a data set: those that its lists name, and the others."""

    entries: list[Entry]
    """The listed files, not inspected, with the columns of the lists in ``extra``; missing files have an error."""
    unlisted: list[Path]
    """Files that the lists do not name."""


class SplitReader(Protocol):
    """Reads a folder as distributed, in one of its official splits."""

    def __call__(self, folder: Path, split: int) -> Layout:
        """Read the lists and files of ``folder``, with train and test as in split number ``split``."""


class Files(Mapping[str, Path]):
    """Files by name, with a look-up that tolerates another suffix, capitals or Unicode form."""

    def __init__(self, paths: Mapping[str, Path], capitals: bool = False) -> None:
        """Files ``paths``, name -> path; with ``capitals``, names that differ only in capitals are different files."""
        self._paths = dict(paths)
        self._fold: Callable[[str], str] = composed if capitals else _without_case
        self._folded = {self._fold(name): path for name, path in reversed(self._paths.items())}

    def __getitem__(self, name: str) -> Path:
        return self._paths[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def look_up(self, name: str, endings: Sequence[str]) -> Path | None:
        """The file ``name``, else one with another suffix of ``endings``, else with other capitals or Unicode form."""
        stem = PurePosixPath(name).with_suffix("")
        names = (name, *(f"{stem}{ending}" for ending in endings))
        exact = (self._paths[spelling] for spelling in names if spelling in self._paths)
        folded = (self._folded[spelling] for spelling in map(self._fold, names) if spelling in self._folded)
        return next(exact, None) or next(folded, None)


def _without_case(name: str) -> str:
    return composed(name).casefold()


def lay_out(listed: Sequence[Entry], files: Files, home: Path, endings: Sequence[str], by: str) -> Layout:
    """The layout of the ``files`` below ``home``: each listed entry, whose path is a name, gets the path of its file.

    Missing files get an error that names the list, ``by``.
    """
    paths = [files.look_up(entry.path.as_posix(), endings) for entry in listed]
    named = set(paths)
    entries = [
        replace(entry, path=home / entry.path, error=f"in {by}, but not in {home.name}/")
        if path is None
        else replace(entry, path=path)
        for entry, path in zip(listed, paths, strict=True)
    ]
    return Layout(entries, [path for path in files.values() if path not in named])


def check_some(entries: Sequence[Entry], what: str, home: Path, by: str) -> None:
    """Raise :class:`DataError` where a list is empty or none of its files exists."""
    if not entries:
        raise DataError(f"{by}: names no {what}; use the lists as distributed")
    if all(entry.error for entry in entries):
        names = [entry.path.name for entry in entries]
        raise DataError(
            f"{home}: contains none of the {len(entries)} {what} of {by}, such as {names[0]}; "
            "give the folder that contains them"
        )


def check_classes_complete(entries: Sequence[Entry], classes: Sequence[str], what: str, home: Path) -> None:
    """Raise :class:`DataError` if a class has no readable file in train or in test (columns split and label)."""
    present = {(entry.extra["label"], entry.extra["split"]) for entry in entries if not entry.error}
    for label in classes:
        for split in ("train", "test"):
            if (label, split) not in present:
                raise DataError(
                    f"{home}: class '{label}' has no {what} for {split}; the data is incomplete: add the missing files"
                )
