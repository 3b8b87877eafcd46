"""Finetuning of the audio encoder on log-mel spectrograms of sub-clips, which are held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avgdt.composition.audio_augmentations import SpecAugment
from avgdt.data.dataset import Batches
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import conv5_features
from avgdt.evaluation.finetuning.trainer import Classifier, ExampleBatch, Progress, Trainer, train
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.linear_layer import mean_scores
from avgdt.evaluation.metrics import FoldScore, score
from avgdt.models.precision import Precision
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.finetuning import Finetuning
from avgdt.recipes.training import Optimiser, Schedule
from avgdt.transforms.audio_augmentation import augment_spectrogram
from avgdt.transforms.rng import view_generators

RECORDINGS_AT_ONCE = 8
"""Number of recordings per test batch, which contains all of their sub-clips."""
MASKS = SpecAugment.medium()
"""SpecAugment masks applied to the training spectrograms."""


def audio_finetuning(epochs: int, lr: float, batch: int = 32) -> Finetuning:
    """Return the finetuning settings for audio: AdamW, linear warm-up for 10 % of the epochs, cosine decay to zero.

    An epoch contains one sub-clip of every recording.
    """
    optimiser = Optimiser(kind="adamw", lr=lr, weight_decay=0.01)
    schedule = Schedule(epochs=epochs, warmup_epochs=epochs / 10, shape="cosine")
    return Finetuning(optimiser=optimiser, schedule=schedule, batch=batch, clips=1)


@dataclass(frozen=True)
class SpectrogramExamples:
    """Training set of log-mel spectrograms; an epoch contains one random sub-clip of every recording."""

    spectrograms: NDArray[np.float32]
    """Log-mel spectrograms, (recordings, sub-clips, mels, time)."""
    targets: NDArray[np.int64]
    """Class indices, (recordings,)."""
    order: Batches
    """Order of the recordings; the incomplete last batch of every epoch is dropped."""
    device: torch.device

    @property
    def steps_per_epoch(self) -> int:
        """Number of training steps in an epoch."""
        return self.order.steps_per_epoch

    def batches(self, first_step: int) -> Iterator[ExampleBatch]:
        """Yield the batches of all epochs; ``first_step`` must be 0, because this training cannot be resumed."""
        assert first_step == 0
        sub_clips = self.spectrograms.shape[1]
        for orders in self.order:
            epoch, indices = orders[0][0], [index for _, index in orders]
            rngs = view_generators(self.order.seed, epoch, indices, view=0)
            sampled = np.stack(
                [self.spectrograms[i, g.integers(sub_clips)] for i, g in zip(indices, rngs, strict=True)]
            )
            view = augment_spectrogram(torch.from_numpy(sampled), MASKS, rngs)[:, None]
            yield ExampleBatch(indices, view.to(self.device), {})


def end_to_end_score(
    model: PretrainedModel,
    spectrograms: NDArray[np.float32],
    folds: Folds,
    fold: Fold,
    finetuning: Finetuning,
    seed: int,
    after_epoch: Callable[[], None],
) -> FoldScore:
    """Finetune the audio encoder on the train and val recordings of a fold, and score it on the test recordings.

    ``spectrograms`` are (recordings, sub-clips, mels, time). ``after_epoch`` is called after every epoch.
    """
    targets, classes = folds.targets[fold.train_val], len(folds.classes)
    network = train_classifier(model, spectrograms[fold.train_val], targets, classes, finetuning, seed, after_epoch)
    predictions = classify(network, spectrograms[fold.test], model.precision)
    return FoldScore(score(predictions, folds.targets[fold.test], classes), {})


def training_settings(finetuning: Finetuning, seed: int) -> dict[str, Any]:
    """Return all training settings of :func:`end_to_end_score` as plain data for a result."""
    optimiser, schedule = finetuning.optimiser, finetuning.schedule
    return {
        "optimiser": optimiser.kind,
        "shape": schedule.shape,
        "epochs": schedule.epochs,
        "lr": optimiser.lr,
        "seed": seed,
        "weight_decay": optimiser.weight_decay,
        "batch": finetuning.batch,
        "masks": asdict(MASKS),
    }


def train_classifier(
    model: PretrainedModel,
    spectrograms: NDArray[np.float32],
    targets: NDArray[np.int64],
    classes: int,
    finetuning: Finetuning,
    seed: int,
    after_epoch: Callable[[], None] = lambda: None,
) -> Classifier:
    """Train a copy of the model's audio encoder with a linear layer on labelled spectrograms.

    ``spectrograms`` are (recordings, sub-clips, mels, time), and ``targets`` are (recordings,). The features are
    computed by :func:`conv5_features`, as in the paper's ESC-50 protocol. Returns the network after the
    last epoch, in evaluation mode. Raises :class:`EvaluationError` if the loss is not finite.
    """
    recordings, device = len(spectrograms), model.precision.device
    example = torch.zeros(1, 1, *spectrograms.shape[2:], device=device)
    with torch.inference_mode():
        dim = conv5_features(model.phi, "audio", example).shape[1]
    network = Classifier(model.phi, "audio", conv5_features, dim, classes, finetuning.orthogonal, seed)
    order = Batches(recordings, min(finetuning.batch, recordings), finetuning.schedule.epochs, seed)
    examples = SpectrogramExamples(spectrograms, targets, order, device)
    trainer = Trainer(network, finetuning, model.precision, order.steps_per_epoch)
    train(trainer, examples, Progress(np.zeros(recordings, dtype=np.bool_), {}), after_epoch)
    return network


@torch.inference_mode()
def classify(network: Classifier, spectrograms: NDArray[np.float32], precision: Precision) -> NDArray[np.int64]:
    """Predict the class indices (recordings,) from spectrograms (recordings, sub-clips, mels, time).

    The softmax probabilities are averaged over the sub-clips of a recording. Raises :class:`EvaluationError` if
    the logits are not finite.
    """
    predictions = []
    for part in torch.split(torch.from_numpy(spectrograms), RECORDINGS_AT_ONCE):
        with precision.autocast():
            logits = network(part.flatten(0, 1)[:, None].to(precision.device))
        if not torch.isfinite(logits).all():
            raise EvaluationError("finetuning: the trained network's output is not finite; lower the learning rate")
        predictions.append(mean_scores(logits.float().unflatten(0, part.shape[:2])).argmax(dim=1).cpu())
    return torch.cat(predictions).numpy()
