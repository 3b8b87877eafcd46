"""What a finetuning is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window, common_span
from avgdt.evaluation.plans import Plan, draw_window
from avgdt.recipes.clip import Clip


@dataclass(frozen=True)
class Task:
    """What is to be told apart, and from what it is learnt."""

    entries: Sequence[Entry]
    """The recordings."""
    modality: ModalityName
    """The network that learns."""
    train: Sequence[Plan]
    """Learnt from; their windows are not used, as clips are drawn anew."""
    targets: NDArray[np.int64]
    """(train,) class indices."""
    test: Sequence[Plan]
    """Asked about, by the mean of their windows' class probabilities."""
    classes: int
    """How many there are."""


@dataclass(frozen=True)
class DrawnWindows:
    """A window of each training segment drawn anew at every pass (a class, to be sent to worker processes)."""

    task: Task
    clip: Clip
    """As long as what the modality takes of it."""
    seed: int

    def __call__(self, epoch: int, index: int) -> Sequence[Window]:
        """The one window of a segment at a pass."""
        plan = self.task.train[index]
        span = common_span(self.task.entries[plan.segment.entry], (self.task.modality,))
        return (draw_window(plan.segment, span, self.clip, np.random.default_rng([self.seed, epoch, index, 0xF17E])),)
