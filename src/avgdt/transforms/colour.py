"""Colours changed by one affine map per clip: jitter, and grey."""

from __future__ import annotations

import math

import numpy as np
import torch

from avgdt.composition.video_augmentations import ColourJitter, Grey
from avgdt.transforms.draws import Generators
from avgdt.transforms.errors import TransformError

WHITE = 255.0
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma (ITU-R BT.601)."""


def colour_jitter(video: torch.Tensor, jitter: ColourJitter, generators: Generators) -> torch.Tensor:
    """Change (batch, channels, time, height, width), values 0 to 255 of any type, to float32 within 0 to 255.

    One map for all frames of a clip: brightness, contrast about the mean luma of the brightened clip, saturation and
    hue. Raise :class:`TransformError` where there are neither 3 channels nor 1, which has no saturation and no hue.
    """
    channels = _channels(video, "ColourJitter")
    strengths = (jitter.brightness, jitter.contrast, jitter.saturation)
    drawn = [[*(g.uniform(1 - s, 1 + s) for s in strengths), g.uniform(-jitter.hue, jitter.hue)] for g in generators]
    pixels = video.float()
    maps = np.stack([b * c * (_colours(s, h) if channels == 3 else np.eye(1)) for b, c, s, h in drawn])
    shift = np.array([b * (1 - c) for b, c, _, _ in drawn])
    luma = torch.tensor(LUMA if channels == 3 else (1.0,), device=video.device)
    mean = pixels.mean((2, 3, 4)) @ luma
    added = mean * torch.from_numpy(shift).to(mean)
    return _mapped(pixels, maps).add_(added[:, None, None, None, None]).clamp_(0, WHITE)


def grey(video: torch.Tensor, step: Grey, generators: Generators) -> torch.Tensor:
    """Give all channels of some clips of (batch, channels, time, height, width) their luma, float32.

    Raise :class:`TransformError` where there are neither 3 channels nor 1, which is left as it is.
    """
    channels = _channels(video, "Grey")
    chosen = [g.random() < step.probability for g in generators]
    if channels == 1 or not any(chosen):
        return video
    return _mapped(video.float(), np.stack([_colours(0.0 if grey else 1.0, 0.0) for grey in chosen]))


def _channels(video: torch.Tensor, name: str) -> int:
    channels = video.shape[1]
    if channels not in (1, 3):
        raise TransformError(f"composition.video: {name} needs clips with 3 channels or 1, not {channels}")
    return channels


def _colours(saturation: float, hue: float) -> np.ndarray:
    """(3, 3): new red, green and blue from old ones; ``hue`` is in turns about the grey axis."""
    luma = np.ones((3, 1)) @ np.array([LUMA])
    cosine, sine = math.cos(2 * math.pi * hue), math.sin(2 * math.pi * hue)
    axis = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    turn = cosine * np.eye(3) + sine * axis + (1 - cosine) / 3
    mixed: np.ndarray = turn @ (saturation * np.eye(3) + (1 - saturation) * luma)
    return mixed


def _mapped(pixels: torch.Tensor, maps: np.ndarray) -> torch.Tensor:
    """Apply (batch, channels, channels) to the colours of (batch, channels, time, height, width)."""
    flat = torch.from_numpy(maps).to(pixels) @ pixels.flatten(2)
    return flat.view_as(pixels)
