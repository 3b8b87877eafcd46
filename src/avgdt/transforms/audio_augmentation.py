"""Augmentations of batches of waveforms and log-mel spectrograms."""

from __future__ import annotations

import math
from typing import assert_never

import numpy as np
import torch

from avgdt.composition.audio_augmentations import Equaliser, Mix, Noise, SpecAugment, Volume, WaveformAugmentation
from avgdt.transforms.errors import TransformError
from avgdt.transforms.rng import Generators


def augment_waveform(waveform: torch.Tensor, step: WaveformAugmentation, generators: Generators) -> torch.Tensor:
    """Apply an augmentation to waveforms (batch, samples), float32 on the int16 scale, with one generator per row."""
    match step:
        case Volume():
            return change_volume(waveform, step, generators)
        case Equaliser():
            return equalise(waveform, step, generators)
        case Noise():
            return add_noise(waveform, step, generators)
        case Mix():
            return mix(waveform, step, generators)
        case _:
            assert_never(step)


def change_volume(waveform: torch.Tensor, volume: Volume, generators: Generators) -> torch.Tensor:
    """Multiply each waveform of (batch, samples) by an independent random factor."""
    factors = np.array([g.uniform(volume.low, volume.high) for g in generators], dtype=np.float32)
    return waveform * torch.from_numpy(factors).to(waveform.device)[:, None]


def augment_spectrogram(spectrogram: torch.Tensor, masks: SpecAugment, generators: Generators) -> torch.Tensor:
    """Apply SpecAugment: set random mel bands and time steps of (batch, mels, time) to zero, drawn independently for
    each item.

    Raises :class:`TransformError` if the maximum width of the masks exceeds the size of the spectrogram.
    """
    mels, time = spectrogram.shape[-2:]
    if masks.frequency_width > mels or masks.time_width > time:
        raise TransformError(
            f"composition.audio: SpecAugment's widths {masks.frequency_width} and {masks.time_width} do not fit into "
            f"{mels} mels x {time} steps; lower frequency_width or time_width"
        )
    by_mel, by_time = [], []
    for g in generators:
        by_mel.append(_bands(g, masks.frequency_masks, masks.frequency_width, mels))
        by_time.append(_bands(g, masks.time_masks, masks.time_width, time))
    masked = torch.from_numpy(np.stack(by_mel)[:, :, None] | np.stack(by_time)[:, None, :])
    return spectrogram.masked_fill(masked.to(spectrogram.device), 0.0)


def _bands(generator: np.random.Generator, count: int, width: int, size: int) -> np.ndarray:
    """Return the union, (size,) bool, of ``count`` random bands that are 0 to ``width`` wide."""
    bands = np.zeros(size, dtype=bool)
    for _ in range(count):
        wide = generator.integers(0, width, endpoint=True)
        start = generator.integers(0, size - wide, endpoint=True)
        bands[start : start + wide] = True
    return bands


_OCTAVES = 8.0  # from the first to the last point of the frequency response; the last is at half the sample rate


def equalise(waveform: torch.Tensor, equaliser: Equaliser, generators: Generators) -> torch.Tensor:
    """Filter each waveform of (batch, samples) with an independent random frequency response, without delay.

    The points of the response are evenly spaced over the eight octaves below half the sample rate. The gain in decibels
    is interpolated linearly in octaves between the points, and is constant below the first point.
    """
    samples = waveform.shape[-1]
    spectrum = torch.fft.rfft(waveform, 2 * samples)  # twice as long, to avoid circular convolution
    relative = np.linspace(0, 1, spectrum.shape[-1])  # frequencies relative to the highest one
    octaves = np.log2(np.maximum(relative, 2**-_OCTAVES)) + _OCTAVES
    points = np.linspace(0, _OCTAVES, equaliser.points)
    decibels = [g.uniform(-equaliser.decibels, equaliser.decibels, equaliser.points) for g in generators]
    # Gains are computed in float32, which is several times faster than float64.
    curves = np.stack([np.interp(octaves, points, curve) for curve in decibels]).astype(np.float32)
    gains = (torch.from_numpy(curves).to(waveform.device) * (math.log(10) / 20)).exp()
    return torch.fft.irfft(spectrum * gains, 2 * samples)[..., :samples]


def mix(waveform: torch.Tensor, step: Mix, generators: Generators) -> torch.Tensor:
    """Mix randomly selected rows of (batch, samples) with another row: (1 - w) x row + w x other row, for a random w.

    The other row is drawn from the unmixed batch and is never the row itself. A single row is returned unchanged.
    """
    rows = len(waveform)
    partners, weights = np.arange(rows), np.zeros(rows, dtype=np.float32)
    for row, g in enumerate(generators):
        if g.random() < step.probability and rows > 1:
            partners[row] = (row + g.integers(1, rows)) % rows
            weights[row] = g.uniform(step.low, step.high)
    weight = torch.from_numpy(weights).to(waveform.device)[:, None]
    return (1 - weight) * waveform + weight * waveform[torch.from_numpy(partners).to(waveform.device)]


def add_noise(waveform: torch.Tensor, noise: Noise, generators: Generators) -> torch.Tensor:
    """Add Gaussian white noise to randomly selected rows of (batch, samples).

    The signal-to-noise ratio over a row equals the drawn value exactly. A silent row stays silent.
    """
    # Noise is drawn on the CPU, since generators of other devices produce other values.
    noises = np.zeros(tuple(waveform.shape), dtype=np.float32)
    factors = np.zeros(len(noises), dtype=np.float32)
    for row, g in enumerate(generators):
        if g.random() < noise.probability:
            factors[row] = 10 ** (-g.uniform(noise.low, noise.high) / 20)
            noises[row] = g.standard_normal(noises.shape[1], dtype=np.float32)
            noises[row] /= max(float(np.sqrt(np.mean(np.square(noises[row])))), 1e-9)
    if not factors.any():
        return waveform
    loudness = waveform.float().square().mean(-1, keepdim=True).sqrt()
    added = torch.from_numpy(noises).to(waveform.device)
    return waveform + loudness * torch.from_numpy(factors).to(waveform.device)[:, None] * added
