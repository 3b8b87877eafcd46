"""Deterministic conversion of raw clips to network input, identical in training and evaluation."""

from __future__ import annotations

import torch
from torch import nn

from avgdt.recipes.clip import Clip, LogMel, Normalisation
from avgdt.transforms.errors import TransformError
from avgdt.transforms.log_mel import LogMelSpectrogram


class Preprocessing(nn.Module):
    """Normalisation of frames and conversion of waveforms to log-mel spectrograms.

    The constructor raises :class:`TransformError` if the log-mel settings do not fit the sample rate.
    """

    def __init__(self, clip: Clip, log_mel: LogMel, normalisation: Normalisation) -> None:
        super().__init__()
        self.normalisation = normalisation
        self.log_mel = LogMelSpectrogram(log_mel, clip.sample_rate)

    def video(self, video: torch.Tensor) -> torch.Tensor:
        """Standardise frames (batch, channels, time, height, width) with values 0 to 255; return float32.

        Mean and standard deviation are taken from the recipe. The fraction ``subtract_mean_frame`` of the mean is
        replaced by the same fraction of the clip's mean frame. A float32 input is changed in place.
        """
        pixels = video.float()
        fraction = self.normalisation.subtract_mean_frame
        mean_frame = fraction * pixels.mean(2, keepdim=True) if fraction else 0.0
        offset = mean_frame + 255 * (1 - fraction) * self.normalisation.mean
        return pixels.sub_(offset).mul_(1 / (255 * self.normalisation.std))

    def audio(self, waveform: torch.Tensor) -> torch.Tensor:
        """Compute the standardised log-mel spectrogram, (batch, mels, time) float32.

        ``waveform`` is (batch, samples) on the int16 scale.
        """
        spectrogram: torch.Tensor = self.log_mel(waveform)
        return spectrogram


def centre_crop(video: torch.Tensor, size: int) -> torch.Tensor:
    """Crop the central square of ``size`` pixels from (..., height, width).

    If a margin is odd, the extra row is below the square, and the extra column is to its right.
    """
    top, left = (margin // 2 for margin in crop_margins(video, size))
    return crop_at(video, top, left, size)


def crop_at(video: torch.Tensor, top: int, left: int, size: int) -> torch.Tensor:
    """Crop the square of ``size`` pixels that starts at row ``top`` and column ``left`` of (..., height, width)."""
    return video[..., top : top + size, left : left + size]


def crop_margins(video: torch.Tensor, size: int) -> tuple[int, int]:
    """Return the rows and columns by which (..., height, width) exceeds a square crop of ``size`` pixels.

    Raises :class:`TransformError` if the crop is larger than the frames.
    """
    height, width = video.shape[-2:]
    if size > min(height, width):
        raise TransformError(
            f"composition.video: a crop of {size} does not fit into {height} x {width} pixels; "
            "lower its size or raise clip.height and clip.width"
        )
    return height - size, width - size
