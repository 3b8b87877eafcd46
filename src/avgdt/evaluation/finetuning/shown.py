"""What the networks are shown while they are finetuned, and when they are asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, ModalityName, Repeats
from avgdt.composition.video_augmentations import VideoAugmentation
from avgdt.evaluation.errors import EvaluationError
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.clip import Clip
from avgdt.recipes.config import to_plain
from avgdt.recipes.finetuning import Finetuning
from avgdt.recipes.recipe import Recipe
from avgdt.transforms.views import Views


def for_training(model: PretrainedModel, finetuning: Finetuning, modality: ModalityName) -> PretrainedModel:
    """The same networks, shown clips as long and as perturbed as ``finetuning`` says; what is heard is left as it is.

    Raises :class:`EvaluationError` for squares that the pictures of these networks do not hold.
    """
    if modality == "audio":
        return model
    recipe = model.recipe
    clip = replace(recipe.clip, frames=finetuning.frames or recipe.clip.frames)
    pictures = f"{clip.height} x {clip.width} pixels"
    video = finetuning.video or recipe.composition.video
    size = _composition(model, video).crop
    if finetuning.spatial_crops > 1 and size is None:
        raise EvaluationError(f"finetuning.spatial_crops: these networks see whole pictures, of {pictures}; use 1")
    if size is not None and size > min(clip.height, clip.width):
        raise EvaluationError(
            f"finetuning.video: a crop of {size} does not fit into the {pictures} of these networks; lower it "
            "(--finetuning.video.0.size) or use --setting paper"
        )
    return _shown(model, clip, video)


def told_shown(recipe: Recipe) -> dict[str, Any]:
    """What networks of that recipe see of a film while they are trained, as plain data."""
    told = {name: getattr(recipe.clip, name) for name in ("frames", "frame_rate", "height", "width")}
    return {**told, "augmentation": to_plain(recipe.composition.video)}


def for_asking(model: PretrainedModel, finetuning: Finetuning) -> PretrainedModel:
    """The networks of :func:`for_training`, shown whole pictures where several squares of them are looked at."""
    return _shown(model, model.recipe.clip, ()) if finetuning.spatial_crops > 1 else model


def spaced_crops(video: torch.Tensor, size: int, count: int) -> list[torch.Tensor]:
    """``count`` squares of (..., height, width) evenly along the longer side, in the middle of the other."""
    height, width = video.shape[-2:]
    rooms = height - size, width - size
    long = 1 if rooms[1] >= rooms[0] else 0
    squares = []
    for number in range(count):
        corner = [room // 2 for room in rooms]
        corner[long] = round(rooms[long] * number / (count - 1)) if count > 1 else corner[long]
        squares.append(video[..., corner[0] : corner[0] + size, corner[1] : corner[1] + size])
    return squares


def _shown(model: PretrainedModel, clip: Clip, video: tuple[VideoAugmentation, ...]) -> PretrainedModel:
    recipe = replace(model.recipe, clip=clip, composition=_composition(model, video))
    views = Views.of(recipe, model.views.seed)
    return PretrainedModel(recipe, model.phi, views.to(model.precision.device), model.precision, model.store)


def _composition(model: PretrainedModel, video: tuple[VideoAugmentation, ...]) -> Composition:
    """What perturbs a view, without the factors of pretraining, which labels have no use for."""
    modalities = Modality(model.recipe.composition.modalities)
    return Composition(modalities, Repeats(2), video=video, audio=model.recipe.composition.audio, partners="both")
