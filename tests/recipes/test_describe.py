from __future__ import annotations

from dataclasses import replace

import pytest

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats, Reversal, Speed, TimeShift
from avgdt.recipes.describe import describe, other_keys
from avgdt.recipes.named import RECIPES, named
from avgdt.recipes.training import Objective
from tests.helpers.recipes import tiny

MANY = Composition(Modality(), TimeShift(0.5, distinctive=True), Reversal(invariant=True))


def test_the_description_contains_views_factors_and_counts() -> None:
    recipe = tiny(composition=MANY, objective=Objective(negatives="batch", negatives_from="modality"))
    matrix, factors, counts = describe(recipe).split("\n\n")
    assert matrix.startswith(MANY.describe())
    modality, shift, reversal = factors.splitlines()
    assert modality.endswith("Here views of different modalities are compared in the loss.")
    assert shift.startswith(
        "TimeShift: Two time windows of the same recording, from which views are made. Distinctive: "
    )
    assert reversal.startswith("Reversal: Direction of time in a view; ")
    assert "Invariant: " in reversal
    above, _, *rows = counts.splitlines()
    assert "the 4 recordings of a batch" in above
    assert [row.split()[-3:] for row in rows] == [
        ["2", "2", "12"]
    ] * 8  # 3 other recordings times 4 views of a modality
    assert rows[1].startswith("video now reversed ")


def test_the_description_contains_the_size_of_the_bank() -> None:
    counts = describe(tiny(objective=Objective(bank=15000))).split("\n\n")[2].splitlines()
    assert "a full bank of 15,000 past keys per view" in counts[0]
    assert [row.split()[-3:] for row in counts[2:]] == [["1", "0", "15,000"]] * 2


def test_negatives_are_counted_over_one_view_or_all_views_of_a_modality() -> None:
    recipe = tiny(composition=MANY)
    assert other_keys(recipe, 10) == 10
    assert other_keys(replace(recipe, objective=Objective(negatives_from="modality")), 10) == 40
    alone = Composition(Modality(("audio",)), Repeats(3), partners="equal")
    assert other_keys(tiny(composition=alone, objective=Objective(negatives_from="modality")), 10) == 30


@pytest.mark.parametrize("partners", ["different", "equal", "both"])
def test_every_factor_and_every_choice_of_partners_is_described(partners: str) -> None:
    composition = Composition(Modality(), Speed(distinctive=True), Repeats(2), partners=partners)  # type: ignore[arg-type]
    lines = describe(tiny(composition=composition)).split("\n\n")[1].splitlines()
    assert [line.split(":")[0] for line in lines] == ["Modality", "Speed", "Repeats"]
    modalities = {"different": "different modalities", "equal": "the same modality", "both": "all modalities"}
    assert modalities[partners] in lines[0]


@pytest.mark.parametrize("name", RECIPES)
def test_every_named_recipe_is_described(name: str) -> None:
    assert describe(named(name)).startswith(f"T = {len(named(name).composition.views)} views")
