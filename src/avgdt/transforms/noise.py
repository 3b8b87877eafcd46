"""White noise at a signal-to-noise ratio."""

from __future__ import annotations

import numpy as np
import torch

from avgdt.composition.audio_augmentations import Noise
from avgdt.transforms.draws import Generators


def add_noise(waveform: torch.Tensor, noise: Noise, generators: Generators) -> torch.Tensor:
    """Add Gaussian white noise to some rows of (batch, samples).

    The ratio of the powers, taken over the clip, is exactly the one drawn; a silent row stays silent.
    """
    # Drawn on the processor for the waveform, since no two kinds of device draw the same.
    drawn = np.zeros(tuple(waveform.shape), dtype=np.float32)
    factors = np.zeros(len(drawn), dtype=np.float32)
    for row, g in enumerate(generators):
        if g.random() < noise.probability:
            factors[row] = 10 ** (-g.uniform(noise.low, noise.high) / 20)
            drawn[row] = g.standard_normal(drawn.shape[1], dtype=np.float32)
            drawn[row] /= max(float(np.sqrt(np.mean(np.square(drawn[row])))), 1e-9)
    if not factors.any():
        return waveform
    loudness = waveform.float().square().mean(-1, keepdim=True).sqrt()
    added = torch.from_numpy(drawn).to(waveform.device)
    return waveform + loudness * torch.from_numpy(factors).to(waveform.device)[:, None] * added
