"""Splits of manifest rows, and the check that no part of a recording is in two splits."""

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
    """Normalise the name of a split, such as ``Training`` to ``train`` or ``dev`` to ``val``; retain other names."""
    text = composed(text.strip())
    return _SPLITS.get(text.lower(), text)


def split_of(entry: Entry) -> str:
    """Return the normalised split of a manifest row; an empty string if the row has no split."""
    return split_name(entry.extra.get("split", ""))


def check_split_names(entries: Iterable[Entry]) -> None:
    """Raise :class:`DataError` if the names of two splits differ only in case or whitespace."""
    seen = dict[str, str]()
    for name in dict.fromkeys(map(split_of, entries)):
        if (first := seen.setdefault("".join(name.casefold().split()), name)) != name:
            raise DataError(f"split: '{first}' and '{name}' differ only in case or whitespace; use one spelling")


def split_counts(splits: Sequence[str], most: int = 8) -> str:
    """Format splits with their numbers of rows, most frequent first, for messages: ``train (20), test (8)``."""
    names = [f"{name} ({count})" for name, count in Counter(splits).most_common()]
    return ", ".join([*names[:most], *["..."] * (len(names) > most)])


def file_indices(paths: Iterable[Path]) -> list[int]:
    """Return for each path the index of the first path to the same file; links are resolved."""
    first = dict[object, int]()
    return [first.setdefault(_identity(path), index) for index, path in enumerate(paths)]


def _identity(path: Path) -> object:
    try:
        state = path.stat()
    except OSError:  # a missing file is identified by its path
        return path.resolve()
    return (state.st_dev, state.st_ino) if state.st_ino else path.resolve()


def recording_indices(entries: Sequence[Entry]) -> list[int]:
    """Return for each entry the index of the first entry with the same file or a copy of the file.

    Copies are recognised by the digest ``Entry.content``, which covers only a part of each file. For a comparison of
    whole files, see :class:`SameRecording`.
    """
    first = dict[str, int]()
    files = file_indices(entry.path for entry in entries)
    return [
        first.setdefault(entry.content, index) if entry.content else index
        for entry, index in zip(entries, files, strict=True)
    ]


class SameRecording:
    """Predicate that is true if two entries have the same recording; if needed, digests of whole files are compared."""

    def __init__(self) -> None:
        self._digest = cache(whole_content)

    def __call__(self, first: Entry, second: Entry) -> bool:
        """Return whether two entries have the same file, or files with the same bytes."""
        if _identity(first.path) == _identity(second.path):
            return True
        if not first.content or first.content != second.content:
            return False
        try:
            return self._digest(first.path) == self._digest(second.path)
        except OSError:  # the error is reported when the file is read
            return False


@dataclass(frozen=True)
class SplitSpan:
    """A recording or a segment of it, and the split to which it belongs."""

    entry: Entry
    """Entry of the recording."""
    split: str
    """Name of the split."""
    seconds: Seconds | None
    """Start and end of the segment, in seconds; ``None`` for the whole recording."""


def check_no_leakage(spans: Sequence[SplitSpan]) -> None:
    """Raise :class:`DataError` if spans of two splits overlap in one recording (data leakage)."""
    of_recording = defaultdict[int, list[SplitSpan]](list)
    for index, span in zip(recording_indices([span.entry for span in spans]), spans, strict=True):
        of_recording[index].append(span)
    same = SameRecording()
    for group in of_recording.values():
        if len({span.split for span in group}) < 2:
            continue
        for first, second in combinations(group, 2):
            if first.split == second.split or not _overlap(first.seconds, second.seconds):
                continue
            if same(first.entry, second.entry):
                raise DataError(_in_two_splits(first, second))


def _in_two_splits(first: SplitSpan, second: SplitSpan) -> str:
    path, copy = first.entry.path, second.entry.path
    splits = f"is in the splits '{first.split}' and '{second.split}'"
    if path == copy:
        return f"{path}: {splits}; assign it to one"
    if _identity(path) == _identity(copy):
        return f"{path} (the same file as {copy}): {splits}; assign it to one"
    return (
        f"{path}: has the same content as {copy} and so {splits}; remove one of the two rows, or give both the same "
        "split"
    )


def _overlap(first: Seconds | None, second: Seconds | None) -> bool:
    return first is None or second is None or (first[0] < second[1] and second[0] < first[1])
