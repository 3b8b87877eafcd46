"""Batched log-mel spectrogram (section 4.1 of the paper); its values match python_speech_features.logfbank."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from avgdt.recipes.clip import LogMel
from avgdt.transforms.errors import TransformError

_SMALLEST = math.log(torch.finfo(torch.float64).eps)


def mel_filters(recipe: LogMel, sample_rate: int) -> torch.Tensor:
    """Return triangular filters, equally spaced on the HTK mel scale, (mels, fft // 2 + 1) float64.

    Raises :class:`TransformError` if a filter is empty or extends above half the sample rate.
    """
    if not 0 <= recipe.low < recipe.high <= sample_rate / 2:
        raise TransformError(
            f"log_mel: 0 <= low < high <= {sample_rate / 2:g} Hz (half of clip.sample_rate) must hold, "
            f"not low {recipe.low:g} and high {recipe.high:g}"
        )
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (recipe.low, recipe.high))
    mels = torch.linspace(low, high, recipe.mels + 2, dtype=torch.float64)
    edges = torch.floor((recipe.fft + 1) * 700 * (10 ** (mels / 2595) - 1) / sample_rate)
    bins = torch.arange(recipe.fft // 2 + 1, dtype=torch.float64)
    left, centre, right = (edges[i : recipe.mels + i, None] for i in range(3))
    rising = (bins >= left) & (bins < centre)
    falling = (bins >= centre) & (bins < right)
    filters = torch.zeros(recipe.mels, len(bins), dtype=torch.float64)
    filters = torch.where(rising, (bins - left) / (centre - left), filters)
    filters = torch.where(falling, (right - bins) / (right - centre), filters)
    if not (filters > 0).any(dim=1).all():
        raise TransformError(
            f"log_mel: {recipe.mels} mels are too many for a Fourier transform of {recipe.fft} points at "
            f"{sample_rate} Hz: a filter is empty; raise log_mel.fft or lower log_mel.mels"
        )
    return filters


def log_mel(waveform: torch.Tensor, recipe: LogMel, sample_rate: int, filters: torch.Tensor) -> torch.Tensor:
    """Compute the natural log of mel energies, (..., mels, time) float64, of (..., samples) on the int16 scale."""
    window, step = round(recipe.window * sample_rate), round(recipe.step * sample_rate)
    waveform = waveform.float()
    emphasised = torch.cat([waveform[..., :1], waveform[..., 1:] - recipe.pre_emphasis * waveform[..., :-1]], dim=-1)
    padding = window + (steps(recipe, sample_rate, waveform.shape[-1]) - 1) * step - waveform.shape[-1]
    frames = nn.functional.pad(emphasised, (0, max(padding, 0))).unfold(-1, window, step)
    spectrum = torch.fft.rfft(frames, n=recipe.fft)
    power = (spectrum.real.square() + spectrum.imag.square()) / recipe.fft
    # Computed in float64, whose precision neither autocast nor TF32 reduces.
    energies = power.double() @ filters.T
    # Zero energy is replaced by the machine epsilon.
    return energies.log().masked_fill(energies == 0, _SMALLEST).transpose(-1, -2)


def steps(recipe: LogMel, sample_rate: int, samples: int) -> int:
    """Return the number of time steps in a spectrogram of ``samples`` samples; zeros pad the last window."""
    window, step = round(recipe.window * sample_rate), round(recipe.step * sample_rate)
    return 1 + max(0, math.ceil((samples - window) / step))


class LogMelSpectrogram(nn.Module):
    """Module that computes the standardised log-mel spectrogram of a waveform."""

    def __init__(self, recipe: LogMel, sample_rate: int) -> None:
        super().__init__()
        for name in ("window", "step"):
            seconds = getattr(recipe, name)
            if round(seconds * sample_rate) < 1:
                raise TransformError(
                    f"log_mel.{name}: {seconds:g} s is shorter than one sample at {sample_rate} Hz; raise it"
                )
        if round(recipe.window * sample_rate) > recipe.fft:
            raise TransformError(
                f"log_mel: a window of {recipe.window:g} s is longer than {recipe.fft} samples at {sample_rate} Hz; "
                "raise log_mel.fft"
            )
        self.recipe = recipe
        self.sample_rate = sample_rate
        self.filters: torch.Tensor
        self.register_buffer("filters", mel_filters(recipe, sample_rate), persistent=False)

    def steps(self, samples: int) -> int:
        """Return the number of time steps in the spectrogram of ``samples`` samples."""
        return steps(self.recipe, self.sample_rate, samples)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Compute the standardised spectrogram, (..., mels, time) float32, of (..., samples) on the int16 scale."""
        values = log_mel(waveform, self.recipe, self.sample_rate, self.filters)
        return ((values - self.recipe.mean) / self.recipe.std).float()

    def of_array(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the standardised spectrogram of a waveform, both as NumPy arrays."""
        return np.asarray(self(torch.from_numpy(waveform)).numpy())
