"""Finetuning tasks: labelled training and test recordings, and random windows of the training recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window, common_span
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.plans import Plan, draw_window
from avgdt.evaluation.segments import Segment
from avgdt.recipes.clip import Clip

ALL = 0
"""Value of ``shots`` for which all labelled examples are used."""


@dataclass(frozen=True)
class Task:
    """Classification task for one modality: training set, test set and number of classes."""

    entries: Sequence[Entry]
    """Recordings to which the plans refer."""
    modality: ModalityName
    """Modality whose network is finetuned."""
    train: Sequence[Plan]
    """Training set; the windows of its plans are not used, since new random windows are drawn in every pass."""
    targets: NDArray[np.int64]
    """Class indices of the training set, (training recordings,)."""
    test: Sequence[Plan]
    """Test set; the class probabilities are averaged over the windows of a recording."""
    classes: int
    """Number of classes."""


@dataclass(frozen=True)
class RandomWindows:
    """Callable that draws a random window of a training segment in each pass.

    It is a class so that it can be pickled for worker processes.
    """

    task: Task
    clip: Clip
    """Clip settings with the clip length of the task's modality."""
    seed: int

    def __call__(self, epoch: int, index: int) -> Sequence[Window]:
        """Return the random window of segment ``index`` in pass ``epoch``, as a one-element tuple."""
        plan = self.task.train[index]
        span = common_span(self.task.entries[plan.segment.entry], (self.task.modality,))
        return (draw_window(plan.segment, span, self.clip, np.random.default_rng([self.seed, epoch, index, 0xF17E])),)


def draw_shots(
    targets: NDArray[np.int64], classes: Sequence[str], shots: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw ``shots`` examples of every class without replacement; return sorted indices into ``targets`` (n,).

    If ``shots`` is ``ALL``, all indices are returned. Raises :class:`EvaluationError` if a class has fewer than
    ``shots`` examples.
    """
    if shots == ALL:
        return np.arange(len(targets))
    sampled = []
    for number, name in enumerate(classes):
        indices = np.flatnonzero(targets == number)
        if len(indices) < shots:
            raise EvaluationError(
                f"shots: class '{name}' has only {len(indices)} examples in train, not {shots}; use fewer shots, "
                f"or {ALL} for all"
            )
        sampled.append(rng.choice(indices, shots, replace=False))
    return np.sort(np.concatenate(sampled))


def check_options(shots: Sequence[int], jobs: int) -> None:
    """Raise :class:`EvaluationError` if ``shots`` is empty or has negative or duplicate values, or if ``jobs`` < 1."""
    if jobs < 1:
        raise EvaluationError(f"jobs: {jobs} is too few; use 1 or more")
    if not shots or min(shots) < 0 or len(set(shots)) < len(shots):
        raise EvaluationError(f"shots: {tuple(shots)} must be distinct non-negative numbers; use {ALL} for all")


def shots_name(shots: int) -> str:
    """Return the name of the result row for a number of shots."""
    return "finetuned" if shots == ALL else f"finetuned_{shots}_label{'s' if shots > 1 else ''}_a_class"


def check_classes_usable(segments: Sequence[Segment], plans: Sequence[Plan]) -> None:
    """Raise :class:`EvaluationError` if a class has segments in a split, but none of them has a plan."""
    usable = {(plan.segment.split, plan.segment.label) for plan in plans}
    for split, label in sorted({(segment.split, segment.label) for segment in segments} - usable):
        raise EvaluationError(
            f"class '{label}': none of its {split} recordings can be read; list the errors with `avgdt scan`"
        )


def check_classes_read(
    train: NDArray[np.int64],
    was_read: NDArray[np.bool_],
    test: NDArray[np.int64],
    tested: NDArray[np.bool_],
    names: Sequence[str],
) -> None:
    """Raise :class:`EvaluationError` if no training or no test recording of a class could be read.

    Scoring without this class would make the task easier. ``train`` and ``test`` hold class indices; ``was_read`` and
    ``tested`` are masks of the training and test recordings that were read.
    """
    for part, targets, done in (("train", train, was_read), ("test", test, tested)):
        if missing := sorted(set(targets.tolist()) - set(targets[done].tolist())):
            name = names[missing[0]]
            raise EvaluationError(
                f"class '{name}': none of its {part} recordings can be read; list the errors with `avgdt scan`"
            )
