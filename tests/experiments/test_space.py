from __future__ import annotations

import numpy as np
import pytest

from avgdt.composition.errors import CompositionError
from avgdt.experiments.space import DIMENSIONS, choices_line, own_choices, searched_recipe
from avgdt.recipes.config import to_yaml
from avgdt.recipes.named import named

WEAKEST = {name: levels[0] for name, levels in DIMENSIONS.items()}


def test_every_combination_gives_a_recipe_or_raises_an_error() -> None:
    rng = np.random.default_rng(0)
    recipe, valid = named("demo"), 0
    for _ in range(300):
        choices = {name: str(rng.choice(levels)) for name, levels in DIMENSIONS.items()}
        excluded = choices["time shift"] == "distinctive" and choices["windows"] == "independent"
        if excluded:
            with pytest.raises(CompositionError):
                searched_recipe(recipe, choices)
            continue
        searched, valid = searched_recipe(recipe, choices), valid + 1
        views = len(searched.composition.views)
        assert views == 2 ** (
            1 + (choices["time shift"] != "absent") + (choices["reversal"] != "absent") + (choices["repeats"] == "2")
        )
        # The budget (epochs times views) is constant, up to rounding of the epochs.
        assert abs(searched.schedule.epochs * views - 36 * 4) <= views / 2
        assert searched.composition.time.jitter == (choices["jitter"] == "on")
    assert valid > 200


def test_own_choices_reproduce_a_composition_of_the_search_space() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        choices = {name: str(rng.choice(levels)) for name, levels in DIMENSIONS.items()} | {"windows": "synchronous"}
        assert own_choices(searched_recipe(named("demo"), choices)) == choices
    small = own_choices(named("small"))
    assert small is not None
    assert searched_recipe(named("small"), small) == named("small")
    assert own_choices(named("audio")) is None  # it has no video


@pytest.mark.parametrize("name", list(DIMENSIONS))
def test_levels_of_a_dimension_give_different_recipes(name: str) -> None:
    recipes = [to_yaml(searched_recipe(named("demo"), {**WEAKEST, name: level})) for level in DIMENSIONS[name]]
    assert len(set(recipes)) == len(recipes)


def test_the_description_lists_the_enabled_choices() -> None:
    choices = {**WEAKEST, "reversal": "distinctive", "flip": "on", "SpecAugment": "mild"}
    assert choices_line(choices) == "reversal distinctive, windows synchronous, crop centre, flip, SpecAugment mild"
