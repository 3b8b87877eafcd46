"""Augmentations of the sound: of the waveform, and of the standardised spectrogram (SpecAugment without time warp)."""

from __future__ import annotations

from typing import assert_never

import numpy as np
import torch

from avgdt.composition.audio_augmentations import Equaliser, Mix, Noise, SpecAugment, Volume, WaveformAugmentation
from avgdt.transforms.draws import Generators
from avgdt.transforms.equalise import equalise
from avgdt.transforms.errors import TransformError
from avgdt.transforms.mixing import mix
from avgdt.transforms.noise import add_noise


def augment_waveform(waveform: torch.Tensor, step: WaveformAugmentation, generators: Generators) -> torch.Tensor:
    """Perturb (batch, samples) float32 on the int16 scale, with one generator per row."""
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
    """Multiply each row of (batch, samples) by its own factor."""
    factors = np.array([g.uniform(volume.low, volume.high) for g in generators], dtype=np.float32)
    return waveform * torch.from_numpy(factors).to(waveform.device)[:, None]


def augment_spectrogram(picture: torch.Tensor, masks: SpecAugment, generators: Generators) -> torch.Tensor:
    """Set bands of (batch, mels, time) to zero, drawn for each item."""
    mels, time = picture.shape[-2:]
    if masks.frequency_width > mels or masks.time_width > time:
        raise TransformError(
            f"composition.audio: SpecAugment's widths {masks.frequency_width} and {masks.time_width} do not fit into "
            f"{mels} mels x {time} steps; lower frequency_width or time_width"
        )
    by_mel, by_time = [], []
    for g in generators:
        by_mel.append(_bands(g, masks.frequency_masks, masks.frequency_width, mels))
        by_time.append(_bands(g, masks.time_masks, masks.time_width, time))
    hidden = torch.from_numpy(np.stack(by_mel)[:, :, None] | np.stack(by_time)[:, None, :])
    return picture.masked_fill(hidden.to(picture.device), 0.0)


def _bands(generator: np.random.Generator, count: int, width: int, size: int) -> np.ndarray:
    """(size,) bool: the union of ``count`` bands, each of 0 to ``width`` places, anywhere where it fits."""
    places = np.zeros(size, dtype=bool)
    for _ in range(count):
        wide = generator.integers(0, width, endpoint=True)
        start = generator.integers(0, size - wide, endpoint=True)
        places[start : start + wide] = True
    return places
