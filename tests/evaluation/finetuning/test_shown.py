from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from avgdt.composition.audio_augmentations import Volume
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Strength
from avgdt.composition.video_augmentations import Flip, RandomCrop, RandomResizedCrop
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.finetuning.shown import for_asking, for_training, spaced_crops
from avgdt.models.pretrained import PretrainedModel, untrained
from avgdt.recipes.finetuning import Finetuning
from avgdt.recipes.recipe import Recipe


def test_clips_as_in_pretraining_or_of_its_own(model: PretrainedModel) -> None:
    same = for_training(model, Finetuning(), "video").recipe
    assert (same.clip, same.composition.video) == (model.recipe.clip, model.recipe.composition.video)
    own = for_training(model, Finetuning(frames=6, video=(RandomResizedCrop(20), Flip(0.5))), "video")
    assert own.recipe.clip == replace(model.recipe.clip, frames=6)
    assert own.views.composition.crop == 20
    assert own.phi is model.phi


def test_whole_pictures_are_shown_where_several_squares_are_looked_at(model: PretrainedModel) -> None:
    assert for_asking(model, Finetuning()) is model
    assert for_asking(model, Finetuning(spatial_crops=3)).views.composition.crop is None


def test_squares_lie_evenly_along_the_longer_side() -> None:
    video = torch.arange(10 * 21).reshape(1, 1, 1, 10, 21)
    squares = spaced_crops(video, 7, 3)
    assert [tuple(square.shape[-2:]) for square in squares] == [(7, 7)] * 3
    assert [int(square[..., 0, 0]) for square in squares] == [21 + 0, 21 + 7, 21 + 14]
    turned = spaced_crops(video.transpose(-1, -2), 7, 3)
    assert all(torch.equal(a, b.transpose(-1, -2)) for a, b in zip(squares, turned, strict=True))
    (middle,) = spaced_crops(video, 7, 1)
    assert torch.equal(middle, squares[1])


def test_squares_that_the_pictures_do_not_hold(model: PretrainedModel) -> None:
    large = Finetuning(video=(RandomResizedCrop(500),))
    with pytest.raises(EvaluationError, match=r"finetuning\.video: a crop of 500 does not fit into the .* pixels"):
        for_training(model, large, "video")
    assert for_training(model, large, "audio") is model
    with pytest.raises(EvaluationError, match=r"finetuning\.spatial_crops: these networks see whole pictures"):
        for_training(model, Finetuning(video=(Flip(0.5),), spatial_crops=3), "video")


def test_factors_of_pretraining_are_of_no_matter(recipe: Recipe) -> None:
    strength, louder = Strength(distinctive=True), (Volume(0.5, 1.5),)
    composition = Composition(Modality(), strength, video=(RandomCrop(20),), audio=louder)
    model = untrained(replace(recipe, composition=composition), seed=0)
    shown = for_training(model, Finetuning(spatial_crops=3, video=(RandomCrop(16),)), "video")
    assert shown.views.composition.crop == 16
    assert shown.recipe.composition.audio == louder
    assert for_asking(shown, Finetuning(spatial_crops=3)).views.composition.crop is None
