"""Gaussian blur, with a width of its own for every clip."""

from __future__ import annotations

import torch

from avgdt.composition.video_augmentations import Blur
from avgdt.transforms.draws import Generators
from avgdt.transforms.separable import apply_separable


def blur(video: torch.Tensor, step: Blur, generators: Generators) -> torch.Tensor:
    """Smooth some clips of (batch, channels, time, height, width), all frames alike; float32 where any is smoothed."""
    drawn = [(g.random() < step.probability, g.uniform(step.low, step.high)) for g in generators]
    places = [place for place, (chosen, _) in enumerate(drawn) if chosen]
    if not places:
        return video
    height, width = video.shape[-2:]
    sigmas = torch.tensor([drawn[place][1] for place in places], dtype=torch.float64)
    index = torch.tensor(places, device=video.device)
    smooth = apply_separable(video[index], gaussian_weights(sigmas, height), gaussian_weights(sigmas, width))
    return video.float().index_copy(0, index, smooth)


def gaussian_weights(sigmas: torch.Tensor, pixels: int) -> torch.Tensor:
    """(batch,) standard deviations in pixels -> (batch, pixels, pixels): weight of each pixel in each smoothed one.

    The Gaussian is cut off four standard deviations away. The picture is continued by its mirror image, the last
    pixel twice, so that all rows and all columns sum to one: a constant stays, and so does the mean.
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
