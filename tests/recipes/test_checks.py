"""Tests of the checks of a recipe: bounds of single values, finite numbers, and consistency between fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from avgdt.composition.audio_augmentations import Equaliser, Noise, Volume
from avgdt.composition.composition import Composition
from avgdt.composition.errors import CompositionError
from avgdt.composition.factors import Modality, Reversal, Strength
from avgdt.composition.video_augmentations import CentreCrop, ColourJitter, Flip, Grey
from avgdt.recipes.clip import Clip, LogMel, Normalisation
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.model import Head, VideoEncoder
from avgdt.recipes.named import RECIPES, named
from avgdt.recipes.recipe import Data, Recipe
from avgdt.recipes.training import Objective, Optimiser, Run, Schedule

NAN = float("nan")


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Run(seed=-1), "run.seed"),
        (lambda: Run(seed=2**32), "run.seed"),
        (lambda: Run(batch=1), "run.batch"),
        (lambda: Run(workers=-2), "run.workers"),
        (lambda: Run(monitor_epochs=-1), "run.monitor_epochs"),
        (lambda: Run(checkpoint_minutes=-1), "run.checkpoint_minutes"),
        (lambda: Data(held_out_at_most=-1), "data.held_out_at_most"),
        (lambda: Schedule(epochs=0), "schedule.epochs"),
        (lambda: Schedule(steps=(9, -5)), "schedule.steps.1"),
        (lambda: Schedule(warmup_epochs=-1), "schedule.warmup_epochs"),
        (lambda: Optimiser(lr=0), "optimiser.lr"),
        (lambda: Optimiser(lr=NAN), "optimiser.lr"),
        (lambda: Optimiser(momentum=1.5), "optimiser.momentum"),
        (lambda: Optimiser(kind="adamw", momentum=1.0), "optimiser.momentum"),
        (lambda: Optimiser(weight_decay=-1), "optimiser.weight_decay"),
        (lambda: Objective(temperature=0), "objective.temperature"),
        (lambda: Objective(temperature=NAN), "objective.temperature"),
        (lambda: Objective(temperature=1e-320), "objective.temperature"),
        (lambda: Objective(bank=0), "objective.bank"),
        (lambda: Objective(momentum=-0.1), "objective.momentum"),
        (lambda: Objective(key_groups=0), "objective.key_groups"),
        (lambda: Clip(frames=0), "clip.frames"),
        (lambda: Clip(frame_rate=0), "clip.frame_rate"),
        (lambda: Clip(audio_seconds=0), "clip.audio_seconds"),
        (lambda: Clip(audio_seconds=1e-9), "clip.audio_seconds"),
        (lambda: Clip(sample_rate=0), "clip.sample_rate"),
        (lambda: Normalisation(std=0), "normalisation.std"),
        (lambda: LogMel(step=0), "log_mel.step"),
        (lambda: LogMel(window=-1), "log_mel.window"),
        (lambda: LogMel(std=0), "log_mel.std"),
        (lambda: LogMel(mels=0), "log_mel.mels"),
        (lambda: VideoEncoder(channels=2), "model.video.channels"),
        (lambda: Head(dropout=-0.1), "model.head.dropout"),
        (lambda: Head(dropout=1.0), "model.head.dropout"),
        (lambda: Head(dropout=NAN), "model.head.dropout"),
    ],
)
def test_a_value_out_of_bounds_raises_with_the_name_of_its_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(RecipeError, match=rf"^{field}: .* use "):
        make()


def test_more_key_groups_than_recordings_in_a_batch_raise_with_a_bank() -> None:
    recipe = named("paper")
    many = replace(recipe.objective, key_groups=recipe.run.norm_group + 1)
    with pytest.raises(RecipeError, match=r"objective\.key_groups: 17 is more than the 16 recordings of a batch norm"):
        replace(recipe, objective=many)
    replace(recipe, objective=replace(many, negatives="batch"))


@pytest.mark.parametrize("name", RECIPES)
def test_every_named_recipe_is_within_bounds(name: str) -> None:
    assert named(name).schedule.epochs >= 1


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 1e300, 10**400])
@pytest.mark.parametrize("field", ["clip.frame_rate", "log_mel.mean", "normalisation.mean", "log_mel.step"])
def test_infinite_and_huge_numbers_in_any_field_raise(field: str, value: float) -> None:
    recipe: Any = named("small")
    part, name = field.split(".")
    with pytest.raises(RecipeError, match=rf"^{field}: "):
        replace(recipe, **{part: replace(getattr(recipe, part), **{name: value})})


@pytest.mark.parametrize("wrong", [lambda: Volume(0.5, float("inf")), lambda: Equaliser(1e5), lambda: Noise(-1e6, 0)])
def test_infinite_and_huge_numbers_in_augmentations_raise(wrong: Any) -> None:
    with pytest.raises(CompositionError, match=r"(finite|must be between|must lie)"):
        Composition(Modality(), video=(Flip(),), audio=(wrong(),))


def grey(recipe: Recipe) -> Recipe:
    return replace(recipe, model=replace(recipe.model, video=replace(recipe.model.video, channels=1)))


def with_flip(composition: Composition) -> Composition:
    return Composition(*composition.factors, video=(*composition.video, Flip()), audio=composition.audio)


@pytest.mark.parametrize("step", [Grey(0.5), ColourJitter(0, 0, 0.5, 0.1)])
def test_strength_cannot_be_distinctive_by_colour_on_grey_frames(step: Grey | ColourJitter) -> None:
    strengths = Strength((0.5, 1.0), distinctive=True)
    composition = Composition(Modality(), strengths, video=(CentreCrop(64), step), audio=(Volume(0.5, 1.5),))
    recipe = replace(named("paper"), composition=composition)
    with pytest.raises(CompositionError, match=r"video is augmented in the same way at 0\.5 and 1"):
        grey(recipe)
    grey(replace(recipe, composition=with_flip(composition)))


def test_reversal_cannot_be_distinctive_for_clips_of_one_frame() -> None:
    recipe = named("small")
    one = replace(recipe.clip, frames=1)
    with pytest.raises(RecipeError, match=r"^clip\.frames: 1 frame is the same in either direction"):
        replace(recipe, clip=one, composition=Composition(Modality(), Reversal(distinctive=True)))


def test_the_mean_frame_cannot_be_subtracted_from_clips_of_one_frame() -> None:
    recipe = named("small")
    still = replace(recipe.normalisation, subtract_mean_frame=1.0)
    with pytest.raises(RecipeError, match=r"^normalisation\.subtract_mean_frame: 1 reduces a clip of 1 frame to zeros"):
        replace(recipe, clip=replace(recipe.clip, frames=1), normalisation=still)
    assert replace(recipe, normalisation=still).normalisation.subtract_mean_frame == 1
