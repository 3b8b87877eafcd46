"""The equaliser: sound coloured as another room or microphone would colour it."""

from __future__ import annotations

import numpy as np
import torch

from avgdt.recipes.augmentations import Equaliser
from avgdt.transforms.draws import Generators

_LOWEST = 50.0  # Hz of the first point; the last is half the sample rate


def equalise(waveform: torch.Tensor, equaliser: Equaliser, sample_rate: float, generators: Generators) -> torch.Tensor:
    """Filter each row of (batch, samples) by its own curve, without delay; ``sample_rate`` in Hz.

    The curve's points stand evenly in octaves from 50 Hz to half the sample rate, decibels interpolated between them.
    """
    samples = waveform.shape[-1]
    spectrum = torch.fft.rfft(waveform, 2 * samples)  # twice as long: what rings does not come round to the start
    octaves = np.log2(np.maximum(np.fft.rfftfreq(2 * samples, 1 / sample_rate), _LOWEST) / _LOWEST)
    points = np.linspace(0, octaves[-1], equaliser.points)
    decibels = [g.uniform(-equaliser.decibels, equaliser.decibels, equaliser.points) for g in generators]
    gains = np.stack([10 ** (np.interp(octaves, points, curve) / 20) for curve in decibels]).astype(np.float32)
    return torch.fft.irfft(spectrum * torch.from_numpy(gains).to(waveform.device), 2 * samples)[..., :samples]
