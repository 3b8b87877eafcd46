"""Configuration of finetuning a pretrained video encoder with labels (section 4.2, appendix A.2 of the paper)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avgdt.composition.video_augmentations import Flip, RandomResizedCrop, VideoAugmentation
from avgdt.recipes.checks import at_least
from avgdt.recipes.training import Optimiser, Schedule


@dataclass(frozen=True)
class Finetuning:
    """Configuration of finetuning, which trains the encoder and a linear layer on its pooled features together."""

    optimiser: Optimiser = Optimiser(kind="sgd", lr=0.02, momentum=0.9, weight_decay=5e-3)  # noqa: RUF009 (frozen)
    """Optimiser; the default is that of the paper."""
    schedule: Schedule = Schedule(  # noqa: RUF009 (frozen)
        epochs=10, warmup_epochs=2, warmup_from=0.125, shape="step", steps=(6, 8), step_factor=0.01
    )
    """Learning rate schedule; by default, the learning rate rises from 0.0025 to 0.02 over two epochs, and is
    multiplied by 0.01 at epochs 6 and 8."""
    encoder_lr: float = 1.0
    """Learning rate of the encoder relative to the learning rate of the linear layer."""
    orthogonal: bool = False
    """Whether to initialise the linear layer with orthogonal rows and zero biases instead of uniform values."""
    batch: int = 32
    """Number of clips per step, all from different recordings; a step may have fewer if this number does not divide the
    number of recordings."""
    clips: int = 10
    """Number of random clips of each recording per epoch."""
    test_clips: int = 10
    """Number of uniformly spaced clips of a test recording, whose class probabilities are averaged."""
    spatial_crops: int = 1
    """Number of square crops of a test clip, evenly spaced along its longer side, whose probabilities are averaged."""
    frames: int = 0
    """Number of frames in a clip; 0 uses as many as pretraining."""
    video: tuple[VideoAugmentation, ...] = ()
    """Video augmentations; if empty, the augmentations of pretraining are used."""

    def __post_init__(self) -> None:
        at_least("finetuning.batch", self.batch, 2)
        at_least("finetuning.encoder_lr", self.encoder_lr, 0)
        at_least("finetuning.frames", self.frames, 0)
        for name in ("clips", "test_clips", "spatial_crops"):
            at_least(f"finetuning.{name}", getattr(self, name), 1)


def released() -> Finetuning:
    """Return the finetuning configuration of the authors' code for *On Compositions of Transformations* (ICCV 2021).

    That code reports the epoch with the highest test accuracy; avgdt reports the last epoch.
    """
    return Finetuning(
        optimiser=Optimiser(kind="sgd", lr=0.02, momentum=0.9, weight_decay=5e-3),
        schedule=Schedule(epochs=12, warmup_epochs=2, warmup_from=0.125, shape="step", steps=(6, 10), step_factor=0.05),
        encoder_lr=0.1,
        orthogonal=True,
        frames=32,
        video=(RandomResizedCrop(128, scale=(0.14, 1.0)), Flip(0.5)),
        spatial_crops=3,
    )


FINETUNINGS: dict[str, Callable[[], Finetuning]] = {"paper": Finetuning, "released": released}
"""Named configurations of finetuning."""
