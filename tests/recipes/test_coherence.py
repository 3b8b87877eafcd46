"""What the parts of a recipe ask of each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avgdt.composition.audio_augmentations import Volume
from avgdt.composition.composition import Composition
from avgdt.composition.errors import CompositionError
from avgdt.composition.factors import Modality, Reversal, Strength
from avgdt.composition.video_augmentations import CentreCrop, ColourJitter, Flip, Grey
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.named import named
from avgdt.recipes.recipe import Recipe


def grey(recipe: Recipe) -> Recipe:
    return replace(recipe, model=replace(recipe.model, video=replace(recipe.model.video, channels=1)))


def with_flip(composition: Composition) -> Composition:
    return Composition(*composition.factors, video=(*composition.video, Flip()), audio=composition.audio)


@pytest.mark.parametrize("step", [Grey(0.5), ColourJitter(0, 0, 0.5, 0.1)])
def test_colours_tell_no_strengths_apart_where_pictures_have_none(step: Grey | ColourJitter) -> None:
    strengths = Strength((0.5, 1.0), distinctive=True)
    composition = Composition(Modality(), strengths, video=(CentreCrop(64), step), audio=(Volume(0.5, 1.5),))
    recipe = replace(named("paper"), composition=composition)
    with pytest.raises(CompositionError, match=r"video is augmented alike at 0\.5 and 1"):
        grey(recipe)
    grey(replace(recipe, composition=with_flip(composition)))


def test_one_frame_has_no_direction() -> None:
    recipe = named("small")
    one = replace(recipe.clip, frames=1)
    with pytest.raises(RecipeError, match=r"^clip\.frames: 1 frame is the same in either direction"):
        replace(recipe, clip=one, composition=Composition(Modality(), Reversal(distinctive=True)))


def test_nothing_moves_in_one_frame() -> None:
    recipe = named("small")
    still = replace(recipe.normalisation, subtract_mean_frame=1.0)
    with pytest.raises(RecipeError, match=r"^normalisation\.subtract_mean_frame: 1 leaves nothing"):
        replace(recipe, clip=replace(recipe.clip, frames=1), normalisation=still)
    assert replace(recipe, normalisation=still).normalisation.subtract_mean_frame == 1
