"""An audio encoder with a linear layer on top, and what it says of sounds by their sub-clips."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.linear_layer import fresh_layer, mean_scores
from avgdt.evaluation.readers import pool_conv5
from avgdt.models.precision import Precision

RECORDINGS_AT_ONCE = 8
"""In testing."""


class Classifier(nn.Module):
    """An encoder of its own, the protocol's pooling, and a linear layer."""

    def __init__(self, encoder: nn.Module, mels: int, time: int, classes: int, draws: torch.Generator) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder).eval().requires_grad_(True)
        example = torch.zeros(1, 1, mels, time, device=next(encoder.parameters()).device)
        with torch.inference_mode():
            features = pool_conv5(self.encoder(example)).shape[1]
        self.layer = fresh_layer(features, classes, draws).to(example.device)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(batch, 1, mels, time) -> logits (batch, classes)."""
        return self.layer(pool_conv5(self.encoder(pictures)))


@torch.inference_mode()
def classify(network: Classifier, pictures: NDArray[np.float32], precision: Precision) -> NDArray[np.int64]:
    """(recordings, windows, mels, time) -> (recordings,) classes: the probabilities of the windows are averaged.

    Raises :class:`EvaluationError` for logits that are not finite.
    """
    guesses = []
    for some in torch.split(torch.from_numpy(pictures), RECORDINGS_AT_ONCE):
        with precision.autocast():
            logits = network(some.flatten(0, 1)[:, None].to(precision.device))
        if not torch.isfinite(logits).all():
            raise EvaluationError("training_rate: what the trained network says is not finite; lower the rate")
        guesses.append(mean_scores(logits.float().unflatten(0, some.shape[:2])).argmax(dim=1).cpu())
    return torch.cat(guesses).numpy()
