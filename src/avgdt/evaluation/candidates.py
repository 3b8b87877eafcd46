"""Which recordings are ranked against each other."""

from __future__ import annotations

from collections.abc import Sequence

from avgdt.data.manifest import Entry
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.segments import Segment, each_once, segments
from avgdt.evaluation.splits import one_split


def candidates(entries: Sequence[Entry], label: str, split: str) -> tuple[list[Segment], int]:
    """The different segments of a split, and how many rows repeated one of them.

    Two rows of one file and one stretch would be each other's perfect rivals: ranks among copies mean nothing.
    """
    chosen = one_split(segments(entries, label or None), split)
    different = each_once(chosen, entries, lambda segment: segment.seconds)
    return different, len(chosen) - len(different)


def check_enough(count: int) -> None:
    """Raise :class:`EvaluationError` where there is nothing to choose between."""
    if count < 2:
        raise EvaluationError("data: ranking takes two usable recordings or more, there is one")
