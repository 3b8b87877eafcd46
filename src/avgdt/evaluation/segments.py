"""Which stretch of which recording carries which label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from avgdt.evaluation.errors import EvaluationError
from avgdt.media.manifest import Entry
from avgdt.recipes.nearest import nearest

ROLES = ("split", "start", "end")
"""Columns that are never labels, nor are those ending in ``_start`` and ``_end``."""


@dataclass(frozen=True)
class Segment:
    """A stretch of one recording."""

    entry: int
    """Index of the recording in the manifest."""
    split: str
    """train, val, test, ...; empty where the manifest has no splits."""
    label: str = ""
    """The class; empty where no label was asked for."""
    start: float | None = None
    """Seconds; None together with ``end`` for the whole recording."""
    end: float | None = None
    """Seconds."""


def columns(entries: Sequence[Entry]) -> list[str]:
    """The manifest's columns that are not about the media, in order."""
    return list(dict.fromkeys(name for entry in entries for name in entry.extra))


def labels(entries: Sequence[Entry]) -> list[str]:
    """The columns that can be a label."""
    return [c for c in columns(entries) if c not in ROLES and not c.endswith(("_start", "_end"))]


def segments(entries: Sequence[Entry], label: str | None = None) -> list[Segment]:
    """One segment per row; with ``label``, those rows whose label is not empty.

    A segment's seconds are the columns ``LABEL_start`` and ``LABEL_end`` where the manifest has them, else ``start``
    and ``end``, else (also where both cells are empty) the whole recording. Raises :class:`EvaluationError` for a
    column that is not there and for seconds that are no numbers or run backwards.
    """
    present = columns(entries)
    if label is not None and label not in labels(entries):
        remedy = nearest(label, labels(entries)) if labels(entries) else "it has none that could be a label"
        raise EvaluationError(f"label: the data has no column '{label}'; {remedy}")
    bounds = _bounds(present, label)
    return [
        Segment(index, entry.extra.get("split", ""), entry.extra[label] if label else "", *_seconds(entry, bounds))
        for index, entry in enumerate(entries)
        if label is None or entry.extra.get(label, "")
    ]


def _bounds(present: Sequence[str], label: str | None) -> tuple[str, str] | None:
    pairs = [("start", "end")] if label is None else [(f"{label}_start", f"{label}_end"), ("start", "end")]
    for pair in pairs:
        missing = [name for name in pair if name not in present]
        if len(missing) == 1:
            (other,) = set(pair) - set(missing)
            raise EvaluationError(f"{missing[0]}: the data has a column '{other}' but no '{missing[0]}'; give both")
        if not missing:
            return pair
    return None


def _seconds(entry: Entry, bounds: tuple[str, str] | None) -> tuple[float | None, float | None]:
    cells = [entry.extra.get(name, "").strip() for name in bounds or ()]
    if not any(cells):
        return None, None
    names = bounds or ("start", "end")
    try:
        start, end = (float(cell) for cell in cells)
    except ValueError:
        raise EvaluationError(
            f"{entry.path}: {names[0]} '{cells[0]}' and {names[1]} '{cells[1]}' must be seconds"
        ) from None
    if not (isfinite(start) and isfinite(end) and start < end):
        raise EvaluationError(f"{entry.path}: {names[0]} ({start:g}) must be less than {names[1]} ({end:g})")
    return start, end
