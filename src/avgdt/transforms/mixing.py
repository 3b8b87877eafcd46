"""Another recording of the batch as a distractor."""

from __future__ import annotations

import numpy as np
import torch

from avgdt.composition.audio_augmentations import Mix
from avgdt.transforms.draws import Generators


def mix(waveform: torch.Tensor, step: Mix, generators: Generators) -> torch.Tensor:
    """(1 - w) times some rows of (batch, samples) plus w times another row, as it was before any was mixed.

    No row is mixed with itself; a row that is alone stays as it is.
    """
    rows = len(waveform)
    partners, weights = np.arange(rows), np.zeros(rows, dtype=np.float32)
    for row, g in enumerate(generators):
        if g.random() < step.probability and rows > 1:
            partners[row] = (row + g.integers(1, rows)) % rows
            weights[row] = g.uniform(step.low, step.high)
    weight = torch.from_numpy(weights).to(waveform.device)[:, None]
    return (1 - weight) * waveform + weight * waveform[torch.from_numpy(partners).to(waveform.device)]
