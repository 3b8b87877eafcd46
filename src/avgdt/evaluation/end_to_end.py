"""The audio encoder and a linear layer trained together with labels: finetuned, or from scratch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from avgdt.composition.audio_augmentations import SpecAugment
from avgdt.data.dataset import Batches
from avgdt.evaluation.classifier import Classifier, classify
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.over_folds import Tested, over_folds
from avgdt.evaluation.scores import score
from avgdt.models.precision import Precision
from avgdt.recipes.training import Optimiser, Schedule
from avgdt.training.optimiser import build_optimiser, set_rates
from avgdt.training.schedule import rate_factor
from avgdt.transforms.audio_augmentation import augment_spectrogram
from avgdt.transforms.rng import view_generators


@dataclass(frozen=True)
class Training:
    """How it is trained; an epoch shows one sub-clip of every recording, drawn anew."""

    epochs: int
    """Passes over the recordings."""
    rate: float
    """Of AdamW, after a tenth of the epochs of linear warm-up; falls to zero along a cosine."""
    seed: int
    """Seed of the layer, the order, the sub-clips and the masks."""
    weight_decay: float = 0.01
    """Of AdamW."""
    batch: int = 32
    """Recordings per step, whose last incomplete lot is left out of an epoch."""
    masks: SpecAugment = SpecAugment.medium()  # noqa: RUF009 (a frozen value)
    """The augmentation."""

    def told(self) -> dict[str, Any]:
        """As plain data, for the result."""
        return {"optimiser": "adamw", "shape": "cosine", **asdict(self)}


def end_to_end_figures(
    encoder: nn.Module,
    pictures: NDArray[np.float32],
    folds: Folds,
    training: Training,
    precision: Precision,
    after: Callable[[], None],
) -> dict[str, Any]:
    """Train on the training folds of each fold and test; ``after`` is called after every epoch of every fold."""

    def test(fold: Fold) -> Tested:
        taught, classes = folds.targets[fold.taught], len(folds.classes)
        network = train_classifier(encoder, pictures[fold.taught], taught, classes, training, precision, after)
        guesses = classify(network, pictures[fold.test], precision)
        return Tested(score(guesses, folds.targets[fold.test], classes), {})

    return {**over_folds(folds, test), "training": training.told()}


def train_classifier(
    encoder: nn.Module,
    pictures: NDArray[np.float32],
    targets: NDArray[np.int64],
    classes: int,
    training: Training,
    precision: Precision,
    after: Callable[[], None] = lambda: None,
) -> Classifier:
    """Train a copy of ``encoder`` on log-mel pictures (recordings, windows, mels, time) with targets (recordings,).

    ``after`` is called after each epoch. The last epoch is what is returned, in evaluation mode. Raises
    :class:`EvaluationError` for a loss that is not finite.
    """
    recordings, windows, mels, time = pictures.shape
    draws = torch.Generator().manual_seed(training.seed)
    network = Classifier(encoder, mels, time, classes, draws).train()
    optimiser = build_optimiser(Optimiser(kind="adamw", lr=training.rate, weight_decay=training.weight_decay), network)
    schedule = Schedule(epochs=training.epochs, warmup_epochs=training.epochs / 10, shape="cosine")
    order = Batches(recordings, min(training.batch, recordings), training.epochs, training.seed)
    scaler = precision.scaler()
    for step, places in enumerate(order):
        epoch, chosen = places[0][0], [place for _, place in places]
        own = view_generators(training.seed, epoch, chosen, view=0)
        shown = np.stack([pictures[i, g.integers(windows)] for i, g in zip(chosen, own, strict=True)])
        batch = augment_spectrogram(torch.from_numpy(shown), training.masks, own)[:, None].to(precision.device)
        set_rates(optimiser, training.rate * rate_factor(schedule, step, order.steps_per_epoch))
        optimiser.zero_grad()
        with precision.autocast():
            logits = network(batch)
        loss = F.cross_entropy(logits.float(), torch.from_numpy(targets[chosen]).to(precision.device))
        if not torch.isfinite(loss):
            raise EvaluationError(f"training_rate: the loss is {float(loss.detach())} in epoch {epoch}; lower the rate")
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.step(optimiser)
        scaler.update()
        if (step + 1) % order.steps_per_epoch == 0:
            after()
    return network.eval()
