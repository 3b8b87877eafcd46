"""Labelled segments of recordings, read from the rows of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from avgdt.data.manifest import Entry
from avgdt.data.splits import file_indices, split_of
from avgdt.data.table import composed
from avgdt.data.windows import SEGMENT, Seconds, segment_columns, segment_of
from avgdt.errors import suggestion
from avgdt.evaluation.errors import EvaluationError

ROLES = ("split", *SEGMENT)
"""Columns that never contain labels, in addition to columns whose names end in ``_start`` or ``_end``."""


@dataclass(frozen=True)
class Segment:
    """Time span of a recording, or the whole recording, with its split and label."""

    entry: int
    """Index of the recording in the manifest."""
    split: str
    """Normalised name of the split (train, val, test or another); empty if the row has no split."""
    label: str = ""
    """Name of the class; empty if there is no label column."""
    start: float | None = None
    """Start time in seconds; None for the whole recording."""
    end: float | None = None
    """End time in seconds; None for the whole recording."""

    @property
    def seconds(self) -> Seconds | None:
        """Start and end times in seconds; None for the whole recording."""
        return None if self.start is None or self.end is None else (self.start, self.end)


def columns(entries: Sequence[Entry]) -> list[str]:
    """Return the columns of the manifest that do not describe the media files, in order."""
    return list(dict.fromkeys(name for entry in entries for name in entry.extra))


def labels(entries: Sequence[Entry]) -> list[str]:
    """Return the columns that can contain labels."""
    return [c for c in columns(entries) if c not in ROLES and not c.lower().endswith(("_start", "_end"))]


def segments(entries: Sequence[Entry], label: str | None = None) -> list[Segment]:
    """Return one segment per row; if ``label`` is given, only for rows whose label is not empty.

    The time span is given by the columns ``LABEL_start`` and ``LABEL_end`` if the manifest has them, else by ``start``
    and ``end``. Without these columns, or if both cells are empty, the segment is the whole recording. Raises
    :class:`EvaluationError` if the label column is missing, and ``DataError`` if a time is not a number or an end is
    before the start.
    """
    present, label = columns(entries), label and composed(label)
    if label is not None and label not in labels(entries):
        remedy = (
            suggestion(label, labels(entries))
            if labels(entries)
            else "none of its columns can be a label; use a manifest (csv) with a label column"
        )
        raise EvaluationError(f"label: the data has no column '{label}'; {remedy}")
    bounds = segment_columns(present, label)
    return [
        Segment(
            index, split_of(entry), entry.extra[label] if label else "", *(segment_of(entry, bounds) or (None, None))
        )
        for index, entry in enumerate(entries)
        if label is None or entry.extra.get(label, "")
    ]


def each_once(
    segments: Sequence[Segment], entries: Sequence[Entry], alike: Callable[[Segment], object]
) -> list[Segment]:
    """Return the segments without duplicates; the first of several duplicates is preserved.

    Duplicates are segments of the same file, possibly under different paths, with the same value of ``alike``.
    """
    distinct = dict[tuple[int, object], Segment]()
    for number, segment in zip(file_indices(entries[s.entry].path for s in segments), segments, strict=True):
        distinct.setdefault((number, alike(segment)), segment)
    return list(distinct.values())
