"""Initialisation of linear layers, and their training on frozen features of sub-clips, as in the paper for ESC-50."""

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
"""Learning rate and weight decay of Adam (an L2 penalty, not decoupled), and number of sub-clips per step."""
EPOCHS = (10, 25, 50, 100, 200, 400)
"""Numbers of epochs compared on the validation set if ``epochs`` is 0."""


def train_layer(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    classes: int,
    epochs: int,
    seed: int,
    after: Callable[[int, nn.Linear], None] = lambda epoch, layer: None,
) -> nn.Linear:
    """Train a linear layer on the features (recordings, sub-clips, dim) of all sub-clips, with targets (recordings,).

    ``seed`` determines the initial weights and the order of the sub-clips, which are shuffled in every epoch. The last
    batch of an epoch may be smaller. After every epoch, ``after`` is called with the number of completed epochs and the
    layer.
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
    """Create a linear layer with weights and biases drawn uniformly from [-1 / sqrt(inputs), 1 / sqrt(inputs)]."""
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(
        device="cpu"
    )  # initialised below with ``rng``, not with the global generator
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-(inputs**-0.5), inputs**-0.5, generator=rng)
    return layer


def orthogonal_layer(inputs: int, outputs: int, rng: torch.Generator) -> nn.Linear:
    """Create a linear layer with a random (semi-)orthogonal weight matrix and with biases of 0."""
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        nn.init.orthogonal_(layer.weight, generator=rng)
        layer.bias.zero_()
    return layer


@torch.inference_mode()
def predict(layer: nn.Linear, features: NDArray[np.float32]) -> NDArray[np.int64]:
    """Predict the class indices (recordings,) from features (recordings, sub-clips, dim)."""
    return mean_scores(layer(torch.from_numpy(features))).argmax(dim=1).numpy()


def mean_scores(logits: torch.Tensor) -> torch.Tensor:
    """Compute the class probabilities (recordings, classes), averaged over sub-clips.

    ``logits`` are (recordings, sub-clips, classes).
    """
    return logits.softmax(dim=2).mean(dim=1)


def linear_layer_fold(features: NDArray[np.float32], folds: Folds, fold: Fold, epochs: int, seed: int) -> FoldScore:
    """Train a linear layer on the training and validation sets of a fold, and score it on the test set.

    ``features`` are (recordings, sub-clips, dim). If ``epochs`` is 0, the number of epochs is selected on the
    validation set.
    """
    tried = _try_epochs(features, folds, fold, seed) if epochs == 0 else {}
    epochs = epochs or max(EPOCHS, key=lambda count: tried[count])  # on ties, max returns the fewest epochs
    layer = train_layer(features[fold.train_val], folds.targets[fold.train_val], len(folds.classes), epochs, seed)
    predictions = predict(layer, features[fold.test])
    rows = [{"epochs": count, "val_accuracy": accuracy} for count, accuracy in tried.items()]
    details = {"chosen": {"epochs": epochs}, "tried": rows}
    return FoldScore(score(predictions, folds.targets[fold.test], len(folds.classes)), details)


def _try_epochs(features: NDArray[np.float32], folds: Folds, fold: Fold, seed: int) -> dict[int, float]:
    """Train on the training set of a fold; return the validation accuracy after each number of epochs in ``EPOCHS``."""
    accuracies = dict[int, float]()

    def validate(epoch: int, layer: nn.Linear) -> None:
        if epoch in EPOCHS:
            predictions = predict(layer, features[fold.val])
            accuracies[epoch] = score(predictions, folds.targets[fold.val], len(folds.classes)).accuracy

    train_layer(features[fold.train], folds.targets[fold.train], len(folds.classes), max(EPOCHS), seed, validate)
    return accuracies
