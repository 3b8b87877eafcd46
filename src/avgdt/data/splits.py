"""Splits of manifest rows, and the check that no part of a recording is in two of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

from avgdt.data.errors import DataError
from avgdt.data.fingerprint import whole_content
from avgdt.data.manifest import Entry
from avgdt.data.table import composed
from avgdt.data.windows import Seconds

_SYNONYMS = {
    "train": ("training",),
    "val": ("valid", "validate", "validation", "dev", "development"),
    "test": ("testing",),
}
_SPLITS = {name: split for split, synonyms in _SYNONYMS.items() for name in (split, *synonyms)}


def split_name(text: str) -> str:
    """Normalise the name of a split: ``Training`` to ``train``, ``dev`` to ``val``; other names are unchanged."""
    text = composed(text.strip())
    return _SPLITS.get(text.lower(), text)


def split_of(entry: Entry) -> str:
    """The normalised split of a manifest row; empty where it has none."""
    return split_name(entry.extra.get("split", ""))


def check_split_names(entries: Iterable[Entry]) -> None:
    """Raise :class:`DataError` for two splits whose names differ only in case or blanks."""
    seen = dict[str, str]()
    for name in dict.fromkeys(map(split_of, entries)):
        if (other := seen.setdefault("".join(name.casefold().split()), name)) != name:
            raise DataError(f"split: '{other}' and '{name}' differ in case or blanks alone; write both alike")


def split_counts(splits: Sequence[str], most: int = 8) -> str:
    """Splits with their numbers of rows for messages, the most frequent first: ``train (20), test (8)``."""
    names = [f"{name} ({count})" for name, count in Counter(splits).most_common()]
    return ", ".join([*names[:most], *["..."] * (len(names) > most)])


def file_numbers(paths: Iterable[Path]) -> list[int]:
    """For each path, the index of the first path to the same file (links and other spellings included)."""
    first = dict[object, int]()
    return [first.setdefault(_identity(path), index) for index, path in enumerate(paths)]


def _identity(path: Path) -> object:
    try:
        state = path.stat()
    except OSError:  # a missing file is identified by its path
        return path.resolve()
    return (state.st_dev, state.st_ino) if state.st_ino else path.resolve()


def recording_numbers(entries: Sequence[Entry]) -> list[int]:
    """For each entry, the index of the first entry of the same recording: the same file, or a copy of it.

    Copies are recognised by the digest ``Entry.content``; :class:`SameRecording` compares all bytes.
    """
    first = dict[str, int]()
    files = file_numbers(entry.path for entry in entries)
    return [
        first.setdefault(entry.content, number) if entry.content else number
        for entry, number in zip(entries, files, strict=True)
    ]


class SameRecording:
    """Whether two rows refer to the same recording; the whole content of files is compared where digests are equal."""

    def __init__(self) -> None:
        self._digest = cache(whole_content)

    def __call__(self, one: Entry, other: Entry) -> bool:
        """Whether two entries have the same file, or two files with the same bytes."""
        if _identity(one.path) == _identity(other.path):
            return True
        if not one.content or one.content != other.content:
            return False
        try:
            return self._digest(one.path) == self._digest(other.path)
        except OSError:  # reported where the file is read
            return False


@dataclass(frozen=True)
class SplitSpan:
    """A time span of a recording, and the split it belongs to."""

    entry: Entry
    split: str
    seconds: Seconds | None
    """None for the whole recording."""


def check_no_leakage(spans: Sequence[SplitSpan]) -> None:
    """Raise :class:`DataError` where spans of two splits overlap in one recording: test data would leak."""
    of_recording = defaultdict[int, list[SplitSpan]](list)
    for number, span in zip(recording_numbers([one.entry for one in spans]), spans, strict=True):
        of_recording[number].append(span)
    same = SameRecording()
    for group in of_recording.values():
        if len({one.split for one in group}) < 2:
            continue
        for one, other in combinations(group, 2):
            if one.split == other.split or not _overlap(one.seconds, other.seconds):
                continue
            if same(one.entry, other.entry):
                raise DataError(_in_two_splits(one, other))


def _in_two_splits(one: SplitSpan, other: SplitSpan) -> str:
    first, second = one.entry.path, other.entry.path
    splits = f"stands in the splits '{one.split}' and '{other.split}'"
    if first == second:
        return f"{first}: {splits}; it belongs in one"
    if _identity(first) == _identity(second):
        return f"{first} (the same file as {second}): {splits}; it belongs in one"
    return (
        f"{first}: has the same content as {second} and so {splits}; remove one of the two rows, or give both the same "
        "split"
    )


def _overlap(one: Seconds | None, other: Seconds | None) -> bool:
    return one is None or other is None or (one[0] < other[1] and other[0] < one[1])
