"""A labelled data set with a fixed test part: one turn, in which a part of train chooses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.splits import labelled_splits

CHOOSES = 5
"""One of so many of each class of train, its last ones (one at least), choose."""


def one_turn(segments: Sequence[Segment]) -> Folds:
    """Fitted on the split train, tested on the split test; classes that train lacks are an :class:`EvaluationError`.

    So is a class of which train has one segment alone: one chooses, the others train.
    """
    splits = labelled_splits(segments, ("train", "test"))
    val = list[int]()
    for label in splits.classes:
        own = [row for row in splits.rows["train"] if segments[row].label == label]
        if len(own) < 2:
            raise EvaluationError(
                f"split: train has one usable sound of class '{label}'; two or more are needed, of which one chooses"
            )
        val += own[-max(1, len(own) // CHOOSES) :]
    train = [row for row in splits.rows["train"] if row not in set(val)]
    rows = (np.array(part, dtype=np.int64) for part in (train, sorted(val), splits.rows["test"]))
    places = {name: index for index, name in enumerate(splits.classes)}
    targets = np.array([places.get(segment.label, -1) for segment in segments], dtype=np.int64)
    return Folds([Fold("test", *rows)], splits.classes, targets)
