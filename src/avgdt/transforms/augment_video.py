"""Augmentations of the picture: the same draw for all frames of a clip, another for every clip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import torch

from avgdt.composition.video_augmentations import (
    Blur,
    CentreCrop,
    ColourJitter,
    Flip,
    Grey,
    RandomCrop,
    RandomResizedCrop,
    ShortSideJitter,
    VideoAugmentation,
    VideoStep,
)
from avgdt.transforms.blur import blur
from avgdt.transforms.colour import colour_jitter, grey
from avgdt.transforms.draws import Generators
from avgdt.transforms.errors import TransformError
from avgdt.transforms.resizing import resized_crop, short_side_crop


def augment_clips(video: torch.Tensor, steps: Sequence[VideoAugmentation], generators: Generators) -> torch.Tensor:
    """Perturb (batch, channels, time, height, width) step by step; a ShortSideJitter together with the crop after it.

    Values are 0 to 255. What only moves pixels keeps their type; all else gives float32, which is not rounded again.
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
    """One step on (batch, channels, time, height, width) of any type, with one generator per clip."""
    match augmentation:
        case RandomCrop(size):
            room = _room(video, size)
            corners = [g.integers(0, room, endpoint=True).tolist() for g in generators]
            return torch.stack([_cut(clip, top, left, size) for clip, (top, left) in zip(video, corners, strict=True)])
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


def centre_crop(video: torch.Tensor, size: int) -> torch.Tensor:
    """Cut the middle square from (..., height, width); an odd remainder leaves one row or column more after it."""
    top, left = (room // 2 for room in _room(video, size))
    return _cut(video, top, left, size)


def _cut(video: torch.Tensor, top: int, left: int, size: int) -> torch.Tensor:
    return video[..., top : top + size, left : left + size]


def _room(video: torch.Tensor, size: int) -> tuple[int, int]:
    height, width = video.shape[-2:]
    if size > min(height, width):
        raise TransformError(
            f"composition.video: a crop of {size} does not fit into {height} x {width} pixels; "
            "lower its size or raise clip.height and clip.width"
        )
    return height - size, width - size
