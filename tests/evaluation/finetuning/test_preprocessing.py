from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from avgdt.composition.audio_augmentations import Volume
from avgdt.composition.composition import Composition
from avgdt.composition.errors import CompositionError
from avgdt.composition.factors import Modality, Strength
from avgdt.composition.video_augmentations import Flip, RandomCrop, RandomResizedCrop, ShortSideJitter
from avgdt.data.batch import Batch
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.finetuning.preprocessing import FinetuningPreprocessing, spaced_crops, with_finetuning_clips
from avgdt.models.pretrained import PretrainedModel, untrained
from avgdt.recipes.finetuning import Finetuning
from avgdt.recipes.recipe import Recipe
from avgdt.transforms.rng import view_generators


def test_clips_have_the_length_of_pretraining_or_of_the_finetuning(model: PretrainedModel) -> None:
    same = with_finetuning_clips(model, Finetuning(), "video")
    assert same.recipe == model.recipe
    assert FinetuningPreprocessing.of(same, Finetuning(), "video").steps == model.recipe.composition.video
    own = Finetuning(frames=6, video=(RandomResizedCrop(20), Flip(0.5)))
    changed = with_finetuning_clips(model, own, "video")
    assert changed.recipe.clip == replace(model.recipe.clip, frames=6)
    assert FinetuningPreprocessing.of(changed, own, "video").crop == 20
    assert changed.phi is model.phi


def test_augmented_and_test_clips_equal_the_views_of_pretraining(model: PretrainedModel) -> None:
    video = torch.randint(0, 256, (2, 1, 3, 4, 24, 32), dtype=torch.uint8)
    items = torch.arange(2)
    batch = Batch(items, items, video, torch.randn(2, 1, 4000) * 1000, None, None)
    for modality in model.recipe.composition.modalities:
        preprocessing = FinetuningPreprocessing.of(model, Finetuning(), modality)
        view = next(i for i, one in enumerate(model.recipe.composition.views) if one.modality == modality)
        rngs = view_generators(model.views.seed, 5, [0, 1], view)
        assert torch.equal(preprocessing.train(batch, rngs), model.views(batch, epoch=5)[view])
        assert torch.equal(preprocessing.test(batch, modality), model.views.test_view(batch, modality))


def test_several_spatial_crops_are_cut_from_whole_frames(model: PretrainedModel) -> None:
    items = torch.arange(1)
    batch = Batch(items, items, torch.zeros(1, 1, 3, 4, 24, 32, dtype=torch.uint8), None, None, None)
    one, three = (FinetuningPreprocessing.of(model, Finetuning(spatial_crops=n), "video") for n in (1, 3))
    assert one.test(batch, "video").shape[-2:] == (24, 24)
    assert [tuple(crop.shape[-2:]) for crop in one.crops(one.test(batch, "video"))] == [(24, 24)]
    assert three.test(batch, "video").shape[-2:] == (24, 32)
    assert [tuple(crop.shape[-2:]) for crop in three.crops(three.test(batch, "video"))] == [(24, 24)] * 3


def test_square_crops_are_evenly_spaced_along_the_longer_side() -> None:
    video = torch.arange(10 * 21).reshape(1, 1, 1, 10, 21)
    squares = spaced_crops(video, 7, 3)
    assert [tuple(square.shape[-2:]) for square in squares] == [(7, 7)] * 3
    assert [int(square[..., 0, 0]) for square in squares] == [21 + 0, 21 + 7, 21 + 14]
    turned = spaced_crops(video.transpose(-1, -2), 7, 3)
    assert all(torch.equal(a, b.transpose(-1, -2)) for a, b in zip(squares, turned, strict=True))
    (middle,) = spaced_crops(video, 7, 1)
    assert torch.equal(middle, squares[1])


def test_crops_that_do_not_fit_raise_errors(model: PretrainedModel) -> None:
    large = Finetuning(video=(RandomResizedCrop(500),))
    with pytest.raises(EvaluationError, match=r"finetuning\.video: a crop of 500 pixels does not fit into .* pixels"):
        with_finetuning_clips(model, large, "video")
    assert with_finetuning_clips(model, large, "audio") is model
    with pytest.raises(EvaluationError, match=r"finetuning\.spatial_crops: the networks take whole frames"):
        with_finetuning_clips(model, Finetuning(video=(Flip(0.5),), spatial_crops=3), "video")


def test_incompatible_augmentations_raise_an_error(model: PretrainedModel) -> None:
    for video, message in (
        ((RandomResizedCrop(20), RandomCrop(16)), "one crop"),
        ((ShortSideJitter(20, 24), Flip(0.5)), "must be followed directly"),
    ):
        with pytest.raises(CompositionError, match=message):
            with_finetuning_clips(model, Finetuning(video=video), "video")


def test_factors_of_pretraining_have_no_effect(recipe: Recipe) -> None:
    strength, louder = Strength(distinctive=True), (Volume(0.5, 1.5),)
    composition = Composition(Modality(), strength, video=(RandomCrop(20),), audio=louder)
    model = untrained(replace(recipe, composition=composition), seed=0)
    finetuning = Finetuning(spatial_crops=3, video=(RandomCrop(16),))
    changed = with_finetuning_clips(model, finetuning, "video")
    assert FinetuningPreprocessing.of(changed, finetuning, "video").crop == 16
    assert FinetuningPreprocessing.of(changed, finetuning, "audio").steps == louder
