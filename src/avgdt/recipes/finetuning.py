"""How networks go on learning with labels."""

from __future__ import annotations

from dataclasses import dataclass

from avgdt.recipes.limits import at_least
from avgdt.recipes.training import Optimiser, Schedule


@dataclass(frozen=True)
class Finetuning:
    """Everything is trained on: the encoder and a linear layer on its pooled features (section 4.2, appendix A.2)."""

    optimiser: Optimiser = Optimiser(kind="sgd", rate=0.02, momentum=0.9, weight_decay=5e-3)  # noqa: RUF009 (frozen)
    """How a gradient becomes a step; the paper's by default."""
    schedule: Schedule = Schedule(  # noqa: RUF009 (frozen)
        epochs=10, warmup_epochs=2, warmup_from=0.125, shape="step", steps=(6, 8), step_factor=0.01
    )
    """The learning rate: from 0.0025 to 0.02 over two epochs, a hundredth from epoch 6 on and again from 8 on."""
    batch: int = 32
    """Clips per step, all of other recordings; where there are fewer recordings, all of them."""
    clips: int = 10
    """Random clips of each recording in an epoch."""
    test_clips: int = 10
    """Clips over a test recording, whose class probabilities are averaged."""

    def __post_init__(self) -> None:
        at_least("finetuning.batch", self.batch, 2)
        at_least("finetuning.clips", self.clips, 1)
        at_least("finetuning.test_clips", self.test_clips, 1)
