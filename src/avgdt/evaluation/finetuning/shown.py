"""What the networks are shown while they are finetuned, and when they are asked."""

from __future__ import annotations

from dataclasses import replace

import torch

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.subject import Subject
from avgdt.recipes.augmentations import VideoAugmentation
from avgdt.recipes.clip import Clip
from avgdt.recipes.finetuning import Finetuning
from avgdt.training.runs import LoadedRun
from avgdt.transforms.views import ViewMaker


def for_training(subject: Subject, finetuning: Finetuning) -> Subject:
    """The same networks, shown clips as long and as perturbed as ``finetuning`` says."""
    recipe = subject.recipe
    clip = replace(recipe.clip, frames=finetuning.frames or recipe.clip.frames)
    return _shown(subject, clip, finetuning.video or recipe.composition.video)


def for_asking(subject: Subject, finetuning: Finetuning) -> Subject:
    """The networks of :func:`for_training`, shown whole pictures where several squares of them are looked at."""
    return _shown(subject, subject.recipe.clip, ()) if finetuning.spatial_crops > 1 else subject


def spaced_crops(video: torch.Tensor, size: int | None, count: int) -> list[torch.Tensor]:
    """``count`` squares of (..., height, width) evenly along the longer side, in the middle of the other.

    Raises :class:`EvaluationError` where there is no square of that size to cut.
    """
    height, width = video.shape[-2:]
    if size is None or size > min(height, width):
        cut = "the networks see whole pictures" if size is None else f"{size} pixels do not fit into {height} x {width}"
        raise EvaluationError(f"finetuning.spatial_crops: {cut}; use 1")
    rooms = height - size, width - size
    long = 1 if rooms[1] >= rooms[0] else 0
    squares = []
    for number in range(count):
        corner = [room // 2 for room in rooms]
        corner[long] = round(rooms[long] * number / (count - 1)) if count > 1 else corner[long]
        squares.append(video[..., corner[0] : corner[0] + size, corner[1] : corner[1] + size])
    return squares


def _shown(subject: Subject, clip: Clip, video: tuple[VideoAugmentation, ...]) -> Subject:
    recipe = replace(subject.recipe, clip=clip, composition=replace(subject.recipe.composition, video=video))
    viewmaker = ViewMaker(
        recipe.composition,
        clip,
        recipe.log_mel,
        recipe.model.video.channels,
        subject.viewmaker.seed,
        recipe.picture,
    )
    return LoadedRun(recipe, subject.phi, viewmaker.to(subject.precision.device), subject.precision)
