"""Whether every class was both learnt and asked about, whatever files could not be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.finetuning.finetune import Guessed
from avgdt.evaluation.finetuning.task import Task


def check_classes_read(task: Task, truth: NDArray[np.int64], found: Guessed, classes: Sequence[str]) -> None:
    """Raise :class:`EvaluationError` for a class whose every training, or every test recording failed to be read.

    ``truth`` (test,) holds the class indices of the test segments. The task would have become an easier one.
    """
    paths = [str(task.entries[plan.segment.entry].path) for plan in task.train]
    taught = np.array([path not in found.failures for path in paths])
    for part, targets, read in (("train", task.targets, taught), ("test", truth, found.guesses >= 0)):
        if lost := sorted(set(targets.tolist()) - set(targets[read].tolist())):
            name = classes[lost[0]]
            raise EvaluationError(f"class '{name}': none of its {part} recordings can be read; look into them")
