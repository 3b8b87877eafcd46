"""Augmentations of the picture: the same draw for all frames of a clip, another for every clip."""

from __future__ import annotations

from typing import assert_never

import torch

from avgdt.recipes.composition import CentreCrop, Flip, RandomCrop, VideoAugmentation
from avgdt.transforms.draws import Generators
from avgdt.transforms.errors import TransformError


def augment_video(video: torch.Tensor, augmentation: VideoAugmentation, generators: Generators) -> torch.Tensor:
    """Perturb (batch, channels, time, height, width) of any type, with one generator per clip."""
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
