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
    """Raise :class:`DataError` for two splits whose names differ in case or blanks alone."""
    seen = dict[str, str]()
    for name in dict.fromkeys(map(split_of, entries)):
        if (other := seen.setdefault("".join(name.casefold().split()), name)) != name:
            raise DataError(f"split: '{other}' and '{name}' differ in case or blanks alone; write both alike")


def split_counts(splits: Sequence[str], most: int = 8) -> str:
    """The names of splits and how often each occurs, in words, the commonest first and at most so many."""
    told = [f"{name} ({count})" for name, count in Counter(splits).most_common()]
    return ", ".join([*told[:most], *["..."] * (len(told) > most)])


def file_numbers(paths: Iterable[Path]) -> list[int]:
    """For each path, the index of the first path to the same file (links and other spellings included)."""
    first = dict[object, int]()
    return [first.setdefault(_identity(path), index) for index, path in enumerate(paths)]


def _identity(path: Path) -> object:
    try:
        state = path.stat()
    except OSError:  # not there: rows of one name are still of one file
        return path.resolve()
    return (state.st_dev, state.st_ino) if state.st_ino else path.resolve()


def recording_numbers(entries: Sequence[Entry]) -> list[int]:
    """For each entry, the index of the first entry of the same recording: the same file, or a copy of it.

    Copies are known by ``Entry.content``; see :class:`Sameness` for a comparison of all bytes.
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
        except OSError:  # said where it is read
            return False


@dataclass(frozen=True)
class SplitSpan:
    """A time span of a recording, and the split it belongs to."""

    entry: Entry
    split: str
    seconds: Seconds | None
    """None for the whole recording."""


def check_no_leakage(stretches: Sequence[SplitSpan]) -> None:
    """Raise :class:`DataError` where two splits overlap in one recording: test data would have been trained on."""
    of_recording = defaultdict[int, list[SplitSpan]](list)
    for number, stretch in zip(recording_numbers([one.entry for one in stretches]), stretches, strict=True):
        of_recording[number].append(stretch)
    same = SameRecording()
    for own in of_recording.values():
        if len({one.split for one in own}) < 2:
            continue
        for one, other in combinations(own, 2):
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
