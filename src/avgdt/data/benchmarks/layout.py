"""A data set as it is distributed: what its lists say beside what its folder holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry
from avgdt.data.table import composed

SOUNDS = (".wav", ".flac", ".ogg")
"""Suffixes that a listed sound may have, whichever the list gives."""
VIDEOS = (".avi", ".mp4", ".webm", ".mkv")
"""The same of videos, which are often encoded anew."""


@dataclass(frozen=True)
class Layout:
    """What the lists say and what is there."""

    entries: list[Entry]
    """The listed files, not looked into; ``extra`` holds what the lists say. Those that are missing have an error."""
    unlisted: list[Path]
    """Files that the lists do not name."""


class SplitReader(Protocol):
    """Reads a folder as distributed, in one of its official splits."""

    def __call__(self, folder: Path, split: int) -> Layout:
        """Read the lists and files of ``folder``, with train and test as in split number ``split``."""


class Files(Mapping[str, Path]):
    """Files by name, to be looked up as lists name them."""

    def __init__(self, there: Mapping[str, Path], capitals: bool = False) -> None:
        """``there``: name -> path; with ``capitals`` names that differ in these alone are different."""
        self._there = dict(there)
        self._fold: Callable[[str], str] = composed if capitals else _without_case
        self._folded = {self._fold(name): path for name, path in reversed(self._there.items())}

    def __getitem__(self, name: str) -> Path:
        return self._there[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._there)

    def __len__(self) -> int:
        return len(self._there)

    def look_up(self, name: str, endings: Sequence[str]) -> Path | None:
        """The file of that name, else the one with another of ``endings``, else with other capitals or Unicode form."""
        stem = PurePosixPath(name).with_suffix("")
        names = (name, *(f"{stem}{ending}" for ending in endings))
        exact = (self._there[other] for other in names if other in self._there)
        folded = (self._folded[other] for other in map(self._fold, names) if other in self._folded)
        return next(exact, None) or next(folded, None)


def _without_case(name: str) -> str:
    return composed(name).casefold()


def lay_out(listed: Sequence[Entry], there: Files, home: Path, endings: Sequence[str], by: str) -> Layout:
    """Find the listed files, whose paths are names, among those that are ``there``, below ``home``.

    ``by`` names the list, for the error of those that are missing.
    """
    paths = [there.look_up(entry.path.as_posix(), endings) for entry in listed]
    named = set(paths)
    entries = [
        replace(entry, path=home / entry.path, error=f"in {by}, but not in {home.name}/")
        if path is None
        else replace(entry, path=path)
        for entry, path in zip(listed, paths, strict=True)
    ]
    return Layout(entries, [path for path in there.values() if path not in named])


def check_some(entries: Sequence[Entry], what: str, home: Path, by: str) -> None:
    """Raise :class:`DataError` where none of the entries is there, or there is none."""
    if not entries:
        raise DataError(f"{by}: names no {what}; take the lists as distributed")
    if all(entry.error for entry in entries):
        names = [entry.path.name for entry in entries]
        raise DataError(
            f"{home}: none of the {len(entries)} {what} of {by} is here; the first was looked for as {names[0]}"
        )


def check_classes(entries: Sequence[Entry], classes: Sequence[str], what: str, home: Path) -> None:
    """Raise :class:`DataError` if a class has no readable file in train or in test (columns split and label)."""
    present = {(entry.extra["label"], entry.extra["split"]) for entry in entries if not entry.error}
    for label in classes:
        for split in ("train", "test"):
            if (label, split) not in present:
                raise DataError(
                    f"{home}: class '{label}' has no {what} for {split}; the data is incomplete: get the rest"
                )
