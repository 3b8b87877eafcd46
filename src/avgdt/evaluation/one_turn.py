"""A labelled data set with a fixed test part: one turn, in which a part of train chooses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avgdt.evaluation.choosing import choosing
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.splits import labelled_splits


def one_turn(segments: Sequence[Segment]) -> Folds:
    """Fitted on the split train, tested on the split test.

    Raises :class:`EvaluationError` for classes that train lacks.
    """
    splits = labelled_splits(segments, ("train", "test"))
    taught, test = (np.array(splits.rows[split], dtype=np.int64) for split in ("train", "test"))
    places = {name: index for index, name in enumerate(splits.classes)}
    targets = np.array([places.get(segment.label, -1) for segment in segments], dtype=np.int64)
    val = choosing(taught, targets)
    return Folds([Fold("test", np.setdiff1d(taught, val), val, test)], splits.classes, targets)
