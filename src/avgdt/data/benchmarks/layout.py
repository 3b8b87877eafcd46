"""Layout of a benchmark data set: the files that its lists name, matched with the files in its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry
from avgdt.data.table import composed

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg")
"""Accepted suffixes of audio files; the suffix of a file may differ from the suffix in the list."""
VIDEO_SUFFIXES = (".avi", ".mp4", ".webm", ".mkv")
"""Accepted suffixes of video files; the suffix of a re-encoded file may differ from the suffix in the list."""


@dataclass(frozen=True)
class Layout:
    """The files of a benchmark data set, divided into listed and unlisted files."""

    entries: list[Entry]
    """Listed files, not yet inspected, with the columns of the lists in ``extra``; missing files have an error."""
    unlisted: list[Path]
    """Files in the folder of the data set that its lists do not name."""


class SplitReader(Protocol):
    """Reader of a data set with several official splits into train and test."""

    def __call__(self, folder: Path, split: int) -> Layout:
        """Return the files of the data set in ``folder``, with train and test as in the official split ``split``."""


class Files(Mapping[str, Path]):
    """Mapping from names to files, with a look-up that tolerates a different suffix, case or Unicode normalisation."""

    def __init__(self, paths: Mapping[str, Path], capitals: bool = False) -> None:
        """Wrap ``paths``, which maps names to files; with ``capitals``, look-ups are case-sensitive."""
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
        """Return the path of the file ``name``; ``None`` if there is no such file.

        If there is no exact match, a file with another suffix in ``endings`` is returned, else a file whose name
        differs in Unicode normalisation or, unless ``capitals`` is set, in case.
        """
        stem = PurePosixPath(name).with_suffix("")
        names = (name, *(f"{stem}{ending}" for ending in endings))
        exact = (self._paths[spelling] for spelling in names if spelling in self._paths)
        folded = (self._folded[spelling] for spelling in map(self._fold, names) if spelling in self._folded)
        return next(exact, None) or next(folded, None)


def _without_case(name: str) -> str:
    return composed(name).casefold()


def lay_out(listed: Sequence[Entry], files: Files, home: Path, endings: Sequence[str], by: str) -> Layout:
    """Match listed entries, whose paths are names relative to ``home``, with ``files``; return the layout.

    The suffix of a file may differ from the list if it is one of ``endings``. An entry without a file gets an error
    that contains ``by``, the name of the list.
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
    """Raise :class:`DataError` if a list is empty or none of its files exists."""
    if not entries:
        raise DataError(f"{by}: lists no {what}; use the lists as distributed")
    if all(entry.error for entry in entries):
        names = [entry.path.name for entry in entries]
        raise DataError(
            f"{home}: contains none of the {len(entries)} {what} of {by}, such as {names[0]}; "
            "give the folder that contains them"
        )


def check_classes_complete(entries: Sequence[Entry], classes: Sequence[str], what: str, home: Path) -> None:
    """Raise :class:`DataError` unless every class has a usable entry in both train and test."""
    present = {(entry.extra["label"], entry.extra["split"]) for entry in entries if not entry.error}
    for label in classes:
        for split in ("train", "test"):
            if (label, split) not in present:
                raise DataError(
                    f"{home}: class '{label}' has no {what} for {split}; the data is incomplete: add the missing files"
                )
