"""The linear layer: its initialisation, and its training on frozen features of sub-clips as in the paper (ESC-50)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.metrics import FoldScore, score

LR, WEIGHT_DECAY, BATCH = 1e-4, 5e-4, 512
"""Learning rate and weight decay of Adam, the decay added to the gradient; sub-clips per step."""
EPOCHS = (10, 25, 50, 100, 200, 400)
"""Numbers of epochs among which val decides where none is given."""


def train_layer(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    classes: int,
    epochs: int,
    seed: int,
    after: Callable[[int, nn.Linear], None] = lambda epoch, layer: None,
) -> nn.Linear:
    """Train on every sub-clip of (recordings, windows, dim) features, each with its recording's target (recordings,).

    The batches of an epoch are a permutation drawn from ``seed``, the last one may be smaller; ``after`` is called with
    the epochs done.
    """
    windows = features.shape[1]
    examples = torch.from_numpy(features).flatten(0, 1)
    labels = torch.from_numpy(targets).repeat_interleave(windows)
    rng = torch.Generator().manual_seed(seed)
    layer = fresh_layer(examples.shape[1], classes, rng)
    optimiser = torch.optim.Adam(layer.parameters(), LR, weight_decay=WEIGHT_DECAY, fused=True)
    for epoch in range(epochs):
        for chosen in torch.split(torch.randperm(len(examples), generator=rng), BATCH):
            optimiser.zero_grad()
            logits = layer(examples.index_select(0, chosen))
            F.cross_entropy(logits, labels[chosen]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        after(epoch + 1, layer)
    return layer


def fresh_layer(inputs: int, outputs: int, rng: torch.Generator) -> nn.Linear:
    """A linear layer whose weights and biases are uniform within 1 / sqrt(inputs), drawn from ``rng``."""
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(
        device="cpu"
    )  # initialised below, without the global generator
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-(inputs**-0.5), inputs**-0.5, generator=rng)
    return layer


def orthogonal_layer(inputs: int, outputs: int, rng: torch.Generator) -> nn.Linear:
    """A linear layer whose weights are orthogonal rows of unit length, drawn from ``rng``, and whose biases are 0."""
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        nn.init.orthogonal_(layer.weight, generator=rng)
        layer.bias.zero_()
    return layer


@torch.inference_mode()
def predict(layer: nn.Linear, features: NDArray[np.float32]) -> NDArray[np.int64]:
    """(recordings, windows, dim) -> (recordings,) classes."""
    return mean_scores(layer(torch.from_numpy(features))).argmax(dim=1).numpy()


def mean_scores(logits: torch.Tensor) -> torch.Tensor:
    """Class probabilities of the sub-clips, averaged: (recordings, windows, classes) -> (recordings, classes)."""
    return logits.softmax(dim=2).mean(dim=1)


def linear_layer_fold(features: NDArray[np.float32], folds: Folds, fold: Fold, epochs: int, seed: int) -> FoldScore:
    """Train a linear layer on (recordings, windows, dim) of train and val, test it; 0 ``epochs``: val chooses them."""
    tried = _try_epochs(features, folds, fold, seed) if epochs == 0 else {}
    epochs = epochs or max(EPOCHS, key=lambda count: tried[count])  # max keeps the first, that is the fewest, of equals
    layer = train_layer(features[fold.train_val], folds.targets[fold.train_val], len(folds.classes), epochs, seed)
    predictions = predict(layer, features[fold.test])
    rows = [{"epochs": count, "val_accuracy": accuracy} for count, accuracy in tried.items()]
    details = {"chosen": {"epochs": epochs}, "tried": rows}
    return FoldScore(score(predictions, folds.targets[fold.test], len(folds.classes)), details)


def _try_epochs(features: NDArray[np.float32], folds: Folds, fold: Fold, seed: int) -> dict[int, float]:
    """Epochs -> accuracy on val of a layer trained on train."""
    accuracies = dict[int, float]()

    def validate(epoch: int, layer: nn.Linear) -> None:
        if epoch in EPOCHS:
            predictions = predict(layer, features[fold.val])
            accuracies[epoch] = score(predictions, folds.targets[fold.val], len(folds.classes)).accuracy

    train_layer(features[fold.train], folds.targets[fold.train], len(folds.classes), max(EPOCHS), seed, validate)
    return accuracies
