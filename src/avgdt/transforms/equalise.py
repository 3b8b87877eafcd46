"""The equaliser: sound coloured as another room or microphone would colour it."""

from __future__ import annotations

import math

import numpy as np
import torch

from avgdt.composition.audio_augmentations import Equaliser
from avgdt.transforms.draws import Generators

_OCTAVES = 8.0  # from the first point to the last, which is half the sample rate


def equalise(waveform: torch.Tensor, equaliser: Equaliser, generators: Generators) -> torch.Tensor:
    """Filter each row of (batch, samples) by its own curve, without delay.

    The curve's points stand evenly over the eight octaves below half the sample rate, decibels interpolated between
    them; what is lower has the first point's.
    """
    samples = waveform.shape[-1]
    spectrum = torch.fft.rfft(waveform, 2 * samples)  # twice as long: what rings does not come round to the start
    share = np.linspace(0, 1, spectrum.shape[-1])  # of the highest frequency
    octaves = np.log2(np.maximum(share, 2**-_OCTAVES)) + _OCTAVES
    points = np.linspace(0, _OCTAVES, equaliser.points)
    decibels = [g.uniform(-equaliser.decibels, equaliser.decibels, equaliser.points) for g in generators]
    # Powers are taken in float32, several times faster.
    curves = np.stack([np.interp(octaves, points, curve) for curve in decibels]).astype(np.float32)
    gains = (torch.from_numpy(curves).to(waveform.device) * (math.log(10) / 20)).exp()
    return torch.fft.irfft(spectrum * gains, 2 * samples)[..., :samples]
