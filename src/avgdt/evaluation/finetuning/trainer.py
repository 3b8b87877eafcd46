"""Supervised training of an encoder and a linear layer with cross-entropy, by SGD or AdamW."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from avgdt.composition.factors import ModalityName
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Reader
from avgdt.evaluation.linear_layer import fresh_layer, orthogonal_layer
from avgdt.models.phi import Phi
from avgdt.models.precision import Precision
from avgdt.recipes.finetuning import Finetuning
from avgdt.training.optimiser import build_optimiser, clip_gradient, load_optimiser, lr_factor, set_lr


class Classifier(nn.Module):
    """Classification network: a copy of the encoder of one modality, a reader of its features, and a linear layer."""

    def __init__(
        self, phi: Phi, modality: ModalityName, read: Reader, dim: int, classes: int, orthogonal: bool, seed: int
    ) -> None:
        """Copy ``phi`` and create a linear layer with ``dim`` inputs, initialised with ``seed``.

        The initial weights of the layer are orthogonal if ``orthogonal`` is True, else uniformly distributed.
        """
        super().__init__()
        self.modality = modality
        self.read = read
        self.phi = copy.deepcopy(phi)
        self.phi.requires_grad_(False)
        self.phi.encoders[modality].requires_grad_(True)
        layer = (orthogonal_layer if orthogonal else fresh_layer)(dim, classes, torch.Generator().manual_seed(seed))
        self.layer = layer.to(next(phi.parameters()).device)

    def forward(self, view: torch.Tensor) -> torch.Tensor:
        """Compute the logits (batch, classes) for a batch of views of the modality."""
        return self.layer(self.read(self.phi, self.modality, view))


class Trainer:
    """Trainer of a classifier, with optimiser and schedule; training resumed from :meth:`state` is bit-identical."""

    def __init__(self, network: Classifier, finetuning: Finetuning, precision: Precision, steps_per_epoch: int) -> None:
        self.network = network
        self.finetuning = finetuning
        self.precision = precision
        self.steps_per_epoch = steps_per_epoch
        self.step_number = 0
        self.optimiser = build_optimiser(finetuning.optimiser, network.phi, network.layer)
        self.scaler = precision.scaler()

    def step(self, view: torch.Tensor, targets: torch.Tensor) -> float:
        """Perform one training step on a batch of views with targets (batch,); return the cross-entropy.

        Raises :class:`EvaluationError` if the cross-entropy is not finite.
        """
        factor = lr_factor(self.finetuning.schedule, self.step_number, self.steps_per_epoch)
        lr = self.finetuning.optimiser.lr * factor
        set_lr(self.optimiser, self.finetuning.encoder_lr * lr, lr)
        self.network.train()
        with self.precision.autocast():
            logits = self.network(view)
        loss = F.cross_entropy(logits.float(), targets)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.unscale_(self.optimiser)
        clip_gradient(self.optimiser, self.finetuning.optimiser.clip_norm)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.step_number += 1
        value = float(loss.detach())
        if not np.isfinite(value):
            raise EvaluationError(
                f"finetuning: the loss is {value} at step {self.step_number}; lower the learning rate"
            )
        return value

    def state(self) -> dict[str, Any]:
        """Return the training state: the step, and the states of network, optimiser and gradient scaler."""
        return {
            "step": self.step_number,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Load a training state returned by :meth:`state`."""
        self.step_number = state["step"]
        self.network.load_state_dict(state["network"])
        load_optimiser(self.optimiser, state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])


@dataclass(frozen=True)
class ExampleBatch:
    """Training examples of one step."""

    indices: Sequence[int]
    """Indices of the examples in the training set."""
    view: torch.Tensor
    """Augmented views of the examples, (batch, ...), on the network's device."""
    failures: dict[str, str]
    """Reasons why files of the batch could not be read, by path."""


class Examples(Protocol):
    """Interface of training sets, which consist of clips decoded from files or of spectrograms in memory."""

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class indices of the examples, (examples,)."""

    @property
    def steps_per_epoch(self) -> int:
        """Number of training steps in an epoch."""

    def batches(self, first_step: int) -> Iterator[ExampleBatch]:
        """Yield the batches of all epochs, starting at step ``first_step``, counted from 0."""


@dataclass
class Progress:
    """Progress of a finetuning run in addition to the trainer's state: examples read, failures and loss."""

    was_read: NDArray[np.bool_]
    """Whether each example was read at least once, (examples,)."""
    failures: dict[str, str]
    """Reasons why files could not be read in training, by path."""
    loss: float = 0.0
    """Mean cross-entropy of the last epoch."""


def train(
    trainer: Trainer,
    examples: Examples,
    progress: Progress,
    after_epoch: Callable[[], None],
    save: Callable[[], None] = lambda: None,
) -> None:
    """Train from the current step of the trainer to the last epoch, then set the network to evaluation mode.

    ``progress`` is updated in place. After every epoch, ``save`` and then ``after_epoch`` are called; for epochs that
    are already complete, only ``after_epoch`` is called. Raises :class:`EvaluationError` if the loss is not
    finite.
    """
    for _ in range(trainer.step_number // trainer.steps_per_epoch):
        after_epoch()
    device, losses = trainer.precision.device, list[float]()
    for batch in examples.batches(trainer.step_number):
        progress.failures |= batch.failures
        progress.was_read[batch.indices] = True
        losses.append(trainer.step(batch.view, torch.from_numpy(examples.targets[batch.indices]).to(device)))
        if trainer.step_number % trainer.steps_per_epoch == 0:
            progress.loss = float(np.mean(losses))
            losses.clear()
            save()
            after_epoch()
    trainer.network.eval()
