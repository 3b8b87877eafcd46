"""A linear layer on frozen features of sub-clips, trained as the paper does on ESC-50."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

RATE, WEIGHT_DECAY, BATCH = 1e-4, 5e-4, 512
"""Of Adam, with the decay added to the gradient; sub-clips per step."""


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
    draws = torch.Generator().manual_seed(seed)
    layer = fresh_layer(examples.shape[1], classes, draws)
    optimiser = torch.optim.Adam(layer.parameters(), RATE, weight_decay=WEIGHT_DECAY)
    for epoch in range(epochs):
        for chosen in torch.split(torch.randperm(len(examples), generator=draws), BATCH):
            optimiser.zero_grad()
            F.cross_entropy(layer(examples[chosen]), labels[chosen]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        after(epoch + 1, layer)
    return layer


def fresh_layer(inputs: int, outputs: int, draws: torch.Generator) -> nn.Linear:
    """A linear layer whose weights and biases are uniform within 1 / sqrt(inputs), drawn from ``draws``."""
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")  # drawn below and not from elsewhere
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-(inputs**-0.5), inputs**-0.5, generator=draws)
    return layer


def orthogonal_layer(inputs: int, outputs: int, draws: torch.Generator) -> nn.Linear:
    """A linear layer whose weights are orthogonal rows of unit length, drawn from ``draws``, and whose biases are 0."""
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        nn.init.orthogonal_(layer.weight, generator=draws)
        layer.bias.zero_()
    return layer


@torch.inference_mode()
def predict(layer: nn.Linear, features: NDArray[np.float32]) -> NDArray[np.int64]:
    """(recordings, windows, dim) -> (recordings,) classes."""
    return mean_scores(layer(torch.from_numpy(features))).argmax(dim=1).numpy()


def mean_scores(logits: torch.Tensor) -> torch.Tensor:
    """Class probabilities of the sub-clips, averaged: (recordings, windows, classes) -> (recordings, classes)."""
    return logits.softmax(dim=2).mean(dim=1)
