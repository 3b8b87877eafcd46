from __future__ import annotations

from dataclasses import replace

import pytest

from avgdt.cli.main import main
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats, Reversal, Speed, TimeShift
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.named import COMPOSITIONS, named, with_composition
from tests.helpers.recipes import tiny

NINE = {
    "modality": (2, 2, 0),
    "shift-invariant": (4, 8, 0),
    "shift-distinctive": (4, 4, 4),
    "reversal-invariant": (4, 8, 0),
    "reversal-distinctive": (4, 4, 4),
    "shift-invariant-reversal-invariant": (8, 32, 0),
    "shift-invariant-reversal-distinctive": (8, 16, 16),
    "shift-distinctive-reversal-invariant": (8, 16, 16),
    "shift-distinctive-reversal-distinctive": (8, 8, 24),
}
"""Numbers of views, of ordered attracting pairs and of ordered repelling pairs, by name of the composition."""


def test_nine_compositions_are_named() -> None:
    assert set(COMPOSITIONS) == set(NINE)


@pytest.mark.parametrize("name", NINE)
def test_each_composition_has_the_expected_views_positives_and_negatives(name: str) -> None:
    composition = with_composition(tiny(), name).composition
    numbers = (len(composition.views), sum(map(sum, composition.attract)), sum(map(sum, composition.repel)))
    assert numbers == NINE[name]
    kinds = {type(factor): factor.distinctive for factor in composition.factors}
    assert (TimeShift in kinds, Reversal in kinds) == ("shift" in name, "reversal" in name)
    assert kinds.get(TimeShift, False) == ("shift-distinctive" in name)
    assert kinds.get(Reversal, False) == ("reversal-distinctive" in name)


def test_compositions_change_only_shift_and_reversal() -> None:
    original = Composition(
        Modality(("audio", "video")),
        Repeats(2),
        Reversal(invariant=True),
        TimeShift(0.3, invariant=True),
        Speed(invariant=True),
        partners="both",
    )
    recipe = tiny(composition=original)
    changed = with_composition(recipe, "shift-distinctive")
    factors = (Modality(("audio", "video")), TimeShift(0.3, distinctive=True), Repeats(2), Speed(invariant=True))
    assert changed == replace(recipe, composition=replace(original, factors=factors))


def test_shifted_windows_do_not_overlap_if_the_recipe_has_no_shift() -> None:
    recipe = tiny()
    assert recipe.composition.shift == 0
    assert with_composition(recipe, "shift-invariant").composition.shift == recipe.clip.seconds == 0.5
    fast = replace(recipe, composition=Composition(Modality(), Speed((1.0, 3.0), invariant=True)))
    assert with_composition(fast, "shift-invariant").composition.shift == 1.5


def test_an_unknown_name_raises_an_error() -> None:
    with pytest.raises(RecipeError, match=r"composition 'reversal-invarient' is unknown; did you mean 'reversal-inv"):
        with_composition(tiny(), "reversal-invarient")


def test_a_composition_without_attracting_views_raises_an_error_with_a_suggestion(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["composition", "audio", "--composition", "modality"]) == 2
    assert "no view attracts another (partners: equal); make a factor invariant" in capsys.readouterr().err
    assert main(["composition", "audio", "--composition", "shift-invariant"]) == 0


def test_commands_list_and_accept_the_compositions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    output = capsys.readouterr().out
    assert all(f"\n{name} " in output for name in NINE)
    assert "shift-invariant-reversal-distinctive   8 views, 16 ordered pairs attract, 16 repel" in output
    for option in (["--composition", "reversal-distinctive"], ["--composition=reversal-distinctive"]):
        assert main(["composition", "small", *option, "--composition.video.0.size", "48"]) == 0
        text = capsys.readouterr().out
        assert "factors: Modality(), Reversal(distinctive=True)\nvideo: RandomCrop(size=48)" in text


def test_the_released_recipe_has_the_last_of_the_nine_compositions() -> None:
    recipe = named("released")
    assert with_composition(recipe, "shift-distinctive-reversal-distinctive") == recipe
    assert recipe.model.audio.blocks == (1, 1, 1, 1)
    assert (recipe.model.head.out, recipe.model.head.batch_norm, recipe.model.head.dropout) == (256, "hidden", 0.3)
    assert (recipe.objective.negatives, recipe.objective.negatives_from, recipe.objective.detach_keys) == (
        "batch",
        "modality",
        True,
    )
    assert (recipe.schedule.shape, recipe.schedule.steps) == ("step", (150, 175))
