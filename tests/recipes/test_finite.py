"""Numbers that no run could use are refused wherever they stand in a recipe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from avgdt.composition.audio_augmentations import Equaliser, Noise, Volume
from avgdt.composition.composition import Composition
from avgdt.composition.errors import CompositionError
from avgdt.composition.factors import Modality
from avgdt.composition.video_augmentations import Flip
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.named import named


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 1e300, 10**400])
@pytest.mark.parametrize("field", ["clip.frame_rate", "log_mel.mean", "normalisation.mean", "log_mel.step"])
def test_of_any_field(field: str, value: float) -> None:
    recipe: Any = named("small")
    part, name = field.split(".")
    with pytest.raises(RecipeError, match=rf"^{field}: "):
        replace(recipe, **{part: replace(getattr(recipe, part), **{name: value})})


@pytest.mark.parametrize("wrong", [lambda: Volume(0.5, float("inf")), lambda: Equaliser(1e5), lambda: Noise(-1e6, 0)])
def test_of_an_augmentation(wrong: Any) -> None:
    with pytest.raises(CompositionError, match=r"(finite|must lie)"):
        Composition(Modality(), video=(Flip(),), audio=(wrong(),))
