"""Boxes of the picture rescaled to a square: linear interpolation, smoothed first where the picture shrinks."""

from __future__ import annotations

import math

import numpy as np
import torch

from avgdt.composition.video_augmentations import CentreCrop, Crop, RandomResizedCrop, ShortSideJitter
from avgdt.transforms.draws import Generators
from avgdt.transforms.errors import TransformError
from avgdt.transforms.separable import apply_separable

TRIES = 10
"""Boxes drawn before the largest one in the middle is taken."""


def resized_crop(video: torch.Tensor, crop: RandomResizedCrop, generators: Generators) -> torch.Tensor:
    """Cut a random box from each clip of (batch, channels, time, height, width) and rescale it, float32."""
    height, width = video.shape[-2:]
    return rescale([draw_box(crop, height, width, g) for g in generators], video, crop.size)


def short_side_crop(video: torch.Tensor, jitter: ShortSideJitter, crop: Crop, generators: Generators) -> torch.Tensor:
    """Rescale each clip to a random short side and crop it, float32; only what the crop shows is computed.

    Raise :class:`TransformError` where the crop is larger than the jitter's shortest side.
    """
    if crop.size > jitter.low:
        raise TransformError(
            f"composition.video: a crop of {crop.size} does not fit into a side of {jitter.low} pixels"
        )
    height, width = video.shape[-2:]
    boxes = []
    for g in generators:
        short = int(g.integers(jitter.low, jitter.high, endpoint=True))
        tall, wide = (round(side * short / min(height, width)) for side in (height, width))
        room = (tall - crop.size, wide - crop.size)
        top, left = (r // 2 for r in room) if isinstance(crop, CentreCrop) else g.integers(0, room, endpoint=True)
        by, bx = height / tall, width / wide  # old pixels per new one
        boxes.append((top * by, left * bx, crop.size * by, crop.size * bx))
    return rescale(boxes, video, crop.size)


def draw_box(
    crop: RandomResizedCrop, height: int, width: int, generator: np.random.Generator
) -> tuple[float, float, float, float]:
    """Top, left, height and width in pixels, with fractions, of a box within ``height`` x ``width``."""
    narrow, broad = map(math.log, crop.ratio)
    for _ in range(TRIES):
        area = generator.uniform(*crop.scale) * height * width
        ratio = math.exp(generator.uniform(narrow, broad))
        tall, wide = math.sqrt(area / ratio), math.sqrt(area * ratio)
        if tall <= height and wide <= width:
            return generator.uniform(0, height - tall), generator.uniform(0, width - wide), tall, wide
    ratio = min(max(width / height, crop.ratio[0]), crop.ratio[1])
    tall, wide = min(height, width / ratio), min(width, height * ratio)
    return (height - tall) / 2, (width - wide) / 2, tall, wide


def rescale(boxes: list[tuple[float, float, float, float]], video: torch.Tensor, size: int) -> torch.Tensor:
    """(batch, channels, time, height, width) -> (batch, channels, time, size, size) float32, one box per clip."""
    height, width = video.shape[-2:]
    top, left, tall, wide = torch.tensor(boxes, dtype=torch.float64).unbind(1)
    return apply_separable(video, _weights(top, tall, height, size), _weights(left, wide, width, size))


def _weights(start: torch.Tensor, length: torch.Tensor, pixels: int, size: int) -> torch.Tensor:
    """(batch, size, pixels): how much each of ``pixels`` counts in each of ``size`` cuts of start..start + length.

    Pixel j covers j to j + 1. A triangle stands on the middle of each cut, one pixel wide to either side, or one cut
    where cuts are wider than pixels; what reaches beyond the picture is left out.
    """
    step = (length / size)[:, None, None]
    middles = start[:, None, None] + (torch.arange(size, dtype=torch.float64)[:, None] + 0.5) * step
    far = (torch.arange(pixels, dtype=torch.float64) + 0.5 - middles).abs()
    weights = (1 - far / step.clamp(min=1)).clamp(min=0)
    return weights / weights.sum(-1, keepdim=True)
