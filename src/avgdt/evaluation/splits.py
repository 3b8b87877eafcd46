"""The train, val and test rows of a labelled manifest, checked."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from avgdt.data.manifest import Entry
from avgdt.data.splits import SplitSpan, split_counts, split_name
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.plans import Skipped
from avgdt.evaluation.segments import Segment

SPLITS = ("train", "val", "test")
"""Fitted on, chosen on, measured on."""
_QUOTED = re.compile("[\"'`\u2018-\u201f](.+)[\"'`\u2018-\u201f]")


@dataclass(frozen=True)
class LabelledSplits:
    """Indices into a list of segments."""

    rows: Mapping[str, list[int]]
    """Split -> indices of its segments, for each split that is needed."""
    classes: list[str]
    """The class names of the train split, sorted (by number where all are numbers); their places are the targets."""
    other: int
    """Segments in none of them."""

    def targets(self, segments: Sequence[Segment], split: str) -> list[int]:
        """The class indices of the split's segments."""
        places = {name: index for index, name in enumerate(self.classes)}
        return [places[segments[row].label] for row in self.rows[split]]


def labelled_splits(
    segments: Sequence[Segment], names: Sequence[str] = SPLITS, skipped: Sequence[Skipped] = ()
) -> LabelledSplits:
    """Sort usable segments into the splits ``names``, of which train is one; ``skipped`` are for messages.

    Raises :class:`EvaluationError` for an empty split, a class that train lacks, and classes that only look different.
    """
    rows = {split: [i for i, s in enumerate(segments) if s.split == split] for split in names}
    for split in names:
        if not rows[split]:
            raise EvaluationError(
                f"split: none of the rows with split '{split}' can be used; usable rows: "
                f"{split_counts([s.split for s in segments if s.split]) or 'none'}{_commonest(skipped)}; "
                "`avgdt scan` tells what is wrong with each file"
            )
    _check_alike({segments[row].label for split in names for row in rows[split]})
    classes = sort_names({segments[row].label for row in rows["train"]})
    for split in names:
        strange = sort_names({segments[row].label for row in rows[split]} - set(classes))
        if strange:
            raise EvaluationError(
                f"split: class '{strange[0]}' is in {split} but not in train; add it there or take it out"
            )
    if len(classes) < 2:
        raise EvaluationError(f"label: train holds the one class '{classes[0]}'; two or more are needed")
    return LabelledSplits(rows, classes, len(segments) - sum(map(len, rows.values())))


def _commonest(skipped: Sequence[Skipped]) -> str:
    reasons = Counter(one.reason for one in skipped).most_common(1)
    return "".join(f"; most often: {reason}" for reason, _ in reasons)


def _check_alike(labels: set[str]) -> None:
    """Raise :class:`EvaluationError` for two classes that differ in case, blanks, quotes or Unicode form alone."""
    seen = dict[str, str]()
    for label in sorted(labels):
        bare = _QUOTED.fullmatch(label)
        key = "".join(unicodedata.normalize("NFKC", bare[1] if bare else label).casefold().split())
        if (other := seen.setdefault(key, label)) != label:
            raise EvaluationError(
                f"label: the classes {other!a} and {label!a} differ in case, blanks or quotes alone; write both alike, "
                "or name them apart where they are two"
            )


def stretches(segments: Sequence[Segment], entries: Sequence[Entry]) -> list[SplitSpan]:
    """Which part of which file stands in which split, for :func:`avgdt.data.splits.check_no_leakage`."""
    return [SplitSpan(entries[segment.entry], segment.split, segment.seconds) for segment in segments]


def one_split(segments: Sequence[Segment], split: str) -> list[Segment]:
    """The segments of ``split``; all of them for ``all`` or where none has a split.

    Raises :class:`EvaluationError` when there are splits but not this one.
    """
    names, split = sorted({s.split for s in segments if s.split}), split_name(split)
    if split == "all" or not names:
        return list(segments)
    chosen = [s for s in segments if s.split == split]
    if not chosen:
        raise EvaluationError(
            f"split: no rows with split '{split}'; the data has: {split_counts([s.split for s in segments if s.split])}"
            "; name one of these, or all, with --split"
        )
    return chosen


def sort_names(names: set[str]) -> list[str]:
    """Class names in order: as numbers where all are numbers."""
    try:
        return sorted(names, key=float)
    except ValueError:
        return sorted(names)
