"""Whether every class was both learnt and asked about, whatever files could not be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.finetuning.finetune import Guessed
from avgdt.evaluation.finetuning.task import Task
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.segments import Segment


def check_classes_usable(asked: Sequence[Segment], plans: Sequence[Plan]) -> None:
    """Raise :class:`EvaluationError` for a class of which a split has segments, and none of them can be shown."""
    left = {(plan.segment.split, plan.segment.label) for plan in plans}
    for split, label in sorted({(segment.split, segment.label) for segment in asked} - left):
        raise EvaluationError(f"class '{label}': none of its {split} recordings can be read; look into them")


def check_classes_read(task: Task, truth: NDArray[np.int64], found: Guessed, classes: Sequence[str]) -> None:
    """Raise :class:`EvaluationError` for a class of whose training, or test recordings none was ever read.

    ``truth`` (test,) holds the class indices of the test segments. The task would have become an easier one.
    """
    for part, targets, read in (("train", task.targets, found.read), ("test", truth, found.guesses >= 0)):
        if lost := sorted(set(targets.tolist()) - set(targets[read].tolist())):
            name = classes[lost[0]]
            raise EvaluationError(f"class '{name}': none of its {part} recordings can be read; look into them")
