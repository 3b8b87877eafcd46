"""Batches of random clips, and the precision with which tests compute."""

from __future__ import annotations

import torch

from avgdt.data.batch import Batch
from avgdt.models.precision import Precision
from avgdt.recipes.recipe import Recipe

CPU = Precision(torch.device("cpu"), torch.float32)


def batch_of(recipe: Recipe, first: int = 0, size: int = 6) -> Batch:
    generator = torch.Generator().manual_seed(first)
    clip, windows = recipe.clip, len(recipe.composition.clips)
    shape = (size, windows, 3, clip.frames, clip.height, clip.width)
    return Batch(
        torch.arange(first, first + size),
        torch.arange(first, first + size),
        torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator),
        torch.randn(size, windows, clip.samples, generator=generator) * 3000,
        None,
        None,
    )
