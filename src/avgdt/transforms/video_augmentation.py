"""Augmentations of batches of video clips; random parameters are drawn per clip and shared by all its frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

import numpy as np
import torch

from avgdt.composition.video_augmentations import (
    Blur,
    CentreCrop,
    ColourJitter,
    Crop,
    Flip,
    Grey,
    RandomCrop,
    RandomResizedCrop,
    ShortSideJitter,
    VideoAugmentation,
    VideoStep,
)
from avgdt.transforms.errors import TransformError
from avgdt.transforms.preprocessing import centre_crop, crop_at, crop_margins
from avgdt.transforms.rng import Generators

WHITE = 255.0
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma (ITU-R BT.601)."""
TRIES = 10
"""Maximum number of random boxes drawn until one fits; if none fits, the largest central box is used."""


def augment_clips(video: torch.Tensor, steps: Sequence[VideoAugmentation], generators: Generators) -> torch.Tensor:
    """Apply the augmentations ``steps`` to clips (batch, channels, time, height, width) with values 0 to 255.

    A ShortSideJitter is applied together with the crop after it. Crops without rescaling and flips keep the data type;
    other augmentations compute in float32 and do not round.
    """
    for before, step in zip((None, *steps), steps, strict=False):
        if isinstance(step, ShortSideJitter):
            continue
        if isinstance(before, ShortSideJitter) and isinstance(step, RandomCrop | CentreCrop):
            video = short_side_crop(video, before, step, generators)
        else:
            video = augment_video(video, step, generators)
    return video


def augment_video(video: torch.Tensor, augmentation: VideoStep, generators: Generators) -> torch.Tensor:
    """Apply an augmentation to (batch, channels, time, height, width) of any type, with one generator per clip."""
    match augmentation:
        case RandomCrop(size):
            margins = crop_margins(video, size)
            corners = [g.integers(0, margins, endpoint=True).tolist() for g in generators]
            return torch.stack(
                [crop_at(clip, top, left, size) for clip, (top, left) in zip(video, corners, strict=True)]
            )
        case CentreCrop(size):
            return centre_crop(video, size)
        case Flip(probability):
            flipped = [bool(g.random() < probability) for g in generators]
            return torch.stack([clip.flip(-1) if flip else clip for clip, flip in zip(video, flipped, strict=True)])
        case RandomResizedCrop():
            return resized_crop(video, augmentation, generators)
        case ColourJitter():
            return colour_jitter(video, augmentation, generators)
        case Grey():
            return grey(video, augmentation, generators)
        case Blur():
            return blur(video, augmentation, generators)
        case _:
            assert_never(augmentation)


def blur(video: torch.Tensor, step: Blur, generators: Generators) -> torch.Tensor:
    """Blur random clips of (batch, channels, time, height, width), with the same blur in all frames of a clip.

    The result is float32 if any clip is blurred; otherwise the input is returned unchanged.
    """
    parameters = [(g.random() < step.probability, g.uniform(step.low, step.high)) for g in generators]
    blurred = [clip for clip, (applied, _) in enumerate(parameters) if applied]
    if not blurred:
        return video
    height, width = video.shape[-2:]
    sigmas = torch.tensor([parameters[clip][1] for clip in blurred], dtype=torch.float64)
    index = torch.tensor(blurred, device=video.device)
    smooth = apply_separable(video[index], gaussian_weights(sigmas, height), gaussian_weights(sigmas, width))
    return video.float().index_copy(0, index, smooth)


def gaussian_weights(sigmas: torch.Tensor, pixels: int) -> torch.Tensor:
    """Return the weights (batch, pixels, pixels) of each input pixel in each blurred pixel, along one axis.

    ``sigmas`` (batch,) are standard deviations in pixels. The Gaussian is truncated at four standard deviations.
    Borders are reflected, with the border pixel repeated. All rows and all columns then sum to one, so the mean of
    the pixels and a constant image are preserved.
    """
    reach = int(4 * float(sigmas.max())) + 1
    offsets = torch.arange(-reach, reach + 1)
    kernels = torch.exp(-0.5 * (offsets / sigmas[:, None]) ** 2)
    kernels = kernels.masked_fill(offsets.abs() > 4 * sigmas[:, None], 0)
    kernels = kernels / kernels.sum(-1, keepdim=True)
    sources = (torch.arange(pixels)[:, None] + offsets) % (2 * pixels)
    sources = torch.minimum(sources, 2 * pixels - 1 - sources)
    weights = torch.zeros(len(sigmas), pixels, pixels, dtype=sigmas.dtype)
    return weights.scatter_add_(2, sources.expand(len(sigmas), -1, -1), kernels[:, None].expand(-1, pixels, -1))


def colour_jitter(video: torch.Tensor, jitter: ColourJitter, generators: Generators) -> torch.Tensor:
    """Jitter the colours of clips (batch, channels, time, height, width) with values 0 to 255; return float32.

    All frames of a clip get the same jitter: first brightness, then contrast about the mean luma of the brightened
    clip, then saturation and hue. Clips with 1 channel skip saturation and hue. The result is clipped to 0 to 255.
    Raises :class:`TransformError` unless there are 1 or 3 channels.
    """
    channels = _channels(video, "ColourJitter")
    strengths = (jitter.brightness, jitter.contrast, jitter.saturation)
    parameters = [
        [*(g.uniform(1 - s, 1 + s) for s in strengths), g.uniform(-jitter.hue, jitter.hue)] for g in generators
    ]
    pixels = video.float()
    maps = np.stack([b * c * (_colours(s, h) if channels == 3 else np.eye(1)) for b, c, s, h in parameters])
    shift = np.array([b * (1 - c) for b, c, _, _ in parameters])
    luma = torch.tensor(LUMA if channels == 3 else (1.0,), device=video.device)
    mean = pixels.mean((2, 3, 4)) @ luma
    added = mean * torch.from_numpy(shift).to(mean)
    return _mapped(pixels, maps).add_(added[:, None, None, None, None]).clamp_(0, WHITE)


def grey(video: torch.Tensor, step: Grey, generators: Generators) -> torch.Tensor:
    """Convert random clips of (batch, channels, time, height, width) to greyscale: every channel becomes the luma.

    The result is float32 if any clip is converted; otherwise, and for clips with 1 channel, the input is returned
    unchanged. Raises :class:`TransformError` unless there are 1 or 3 channels.
    """
    channels = _channels(video, "Grey")
    converted = [g.random() < step.probability for g in generators]
    if channels == 1 or not any(converted):
        return video
    return _mapped(video.float(), np.stack([_colours(0.0 if convert else 1.0, 0.0) for convert in converted]))


def _channels(video: torch.Tensor, name: str) -> int:
    channels = video.shape[1]
    if channels not in (1, 3):
        raise TransformError(f"composition.video: {name} requires clips with 1 or 3 channels, not {channels}")
    return channels


def _colours(saturation: float, hue: float) -> np.ndarray:
    """Return the (3, 3) matrix that scales saturation and rotates hue about the grey axis by ``hue`` full turns."""
    luma = np.ones((3, 1)) @ np.array([LUMA])
    cosine, sine = math.cos(2 * math.pi * hue), math.sin(2 * math.pi * hue)
    axis = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    rotation = cosine * np.eye(3) + sine * axis + (1 - cosine) / 3
    mixed: np.ndarray = rotation @ (saturation * np.eye(3) + (1 - saturation) * luma)
    return mixed


def _mapped(pixels: torch.Tensor, maps: np.ndarray) -> torch.Tensor:
    """Multiply the colours of (batch, channels, time, height, width) by matrices (batch, channels, channels)."""
    flat = torch.from_numpy(maps).to(pixels) @ pixels.flatten(2)
    return flat.view_as(pixels)


def resized_crop(video: torch.Tensor, crop: RandomResizedCrop, generators: Generators) -> torch.Tensor:
    """Crop a random box from each clip of (batch, channels, time, height, width) and rescale it to a float32 square."""
    height, width = video.shape[-2:]
    return rescale([draw_box(crop, height, width, g) for g in generators], video, crop.size)


def short_side_crop(video: torch.Tensor, jitter: ShortSideJitter, crop: Crop, generators: Generators) -> torch.Tensor:
    """Rescale each clip to a random short side, crop it and return float32; only pixels of the crop are computed.

    Raises :class:`TransformError` if the crop is larger than the smallest short side.
    """
    if crop.size > jitter.low:
        raise TransformError(
            f"composition.video: a crop of {crop.size} does not fit into a side of {jitter.low} pixels; "
            "lower its size or raise ShortSideJitter's low"
        )
    height, width = video.shape[-2:]
    boxes = []
    for g in generators:
        short = int(g.integers(jitter.low, jitter.high, endpoint=True))
        tall, wide = (round(side * short / min(height, width)) for side in (height, width))
        slack = (tall - crop.size, wide - crop.size)
        top, left = (s // 2 for s in slack) if isinstance(crop, CentreCrop) else g.integers(0, slack, endpoint=True)
        by, bx = height / tall, width / wide  # input pixels per output pixel
        boxes.append((top * by, left * bx, crop.size * by, crop.size * bx))
    return rescale(boxes, video, crop.size)


def draw_box(
    crop: RandomResizedCrop, height: int, width: int, generator: np.random.Generator
) -> tuple[float, float, float, float]:
    """Draw a random box within ``height`` x ``width``; return its top, left, height and width in fractional pixels."""
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
    """Rescale one box of each clip of (batch, channels, time, height, width) to ``size`` x ``size`` float32 pixels."""
    height, width = video.shape[-2:]
    top, left, tall, wide = torch.tensor(boxes, dtype=torch.float64).unbind(1)
    return apply_separable(video, _weights(top, tall, height, size), _weights(left, wide, width, size))


def _weights(start: torch.Tensor, length: torch.Tensor, pixels: int, size: int) -> torch.Tensor:
    """Return the weight of each input pixel in each output pixel, (batch, size, pixels), for antialiased rescaling.

    Input pixel j covers j to j + 1. The output pixels divide ``start`` to ``start + length`` into ``size`` equal parts.
    The kernel is a triangular filter centred on the output pixel, with half-width max(input pixel, output pixel).
    Weights outside the image are dropped, and the remaining ones are normalised to sum to one.
    """
    step = (length / size)[:, None, None]
    middles = start[:, None, None] + (torch.arange(size, dtype=torch.float64)[:, None] + 0.5) * step
    distances = (torch.arange(pixels, dtype=torch.float64) + 0.5 - middles).abs()
    weights = (1 - distances / step.clamp(min=1)).clamp(min=0)
    return weights / weights.sum(-1, keepdim=True)


def apply_separable(video: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Map (batch, channels, time, height, width) to weighted sums (batch, channels, time, y, x) float32.

    ``rows`` (batch, y, height) holds the weight of each input row in each output row, and ``columns`` (batch, x, width)
    the weight of each input column in each output column. The weights are the same for all channels and frames of a
    clip.
    """
    rows, columns = (weights.to(video.device, torch.float32) for weights in (rows, columns))
    # Axes: b clips, c channels, t frames, h and w input rows and columns, y and x output rows and columns.
    return torch.einsum("byh,bcthx->bctyx", rows, torch.einsum("bcthw,bxw->bcthx", video.float(), columns))
