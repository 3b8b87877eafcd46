"""Tests of the automatic bank size and momentum: the paper's values for its run, in proportion for smaller runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avgdt.recipes.named import paper, small
from avgdt.recipes.proportions import bank_size, in_proportion, momentum
from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import Objective


def automatic(recipe: Recipe) -> Recipe:
    return replace(recipe, objective=replace(recipe.objective, bank=-1, momentum=-1))


def test_the_run_of_the_paper_has_the_bank_and_momentum_of_the_paper() -> None:
    recipe = automatic(replace(paper(), run=replace(paper().run, batch=1024)))
    objective = in_proportion(recipe, 210_000, 200 * (210_000 // 1024)).objective
    assert objective.bank == 15_000
    assert objective.momentum == pytest.approx(0.999, abs=1e-5)


@pytest.mark.parametrize(("recordings", "steps"), [(384, 1152), (800, 2376), (20_000, 80_000)])
def test_bank_size_and_momentum_scale_with_the_run(recordings: int, steps: int) -> None:
    objective = in_proportion(automatic(small()), recordings, steps).objective
    assert objective.bank / recordings == pytest.approx(15 / 210, abs=0.5 / recordings)
    assert 1 / (1 - objective.momentum) / steps == pytest.approx(1000 / 41015.6, rel=1e-3)


def test_a_tiny_run_has_a_bank_of_one_batch_and_a_valid_momentum() -> None:
    assert bank_size(20, 12) == 12
    assert momentum(10) == 0.0


def test_explicit_values_are_kept() -> None:
    recipe = replace(small(), objective=Objective(bank=7, momentum=0.5))
    assert in_proportion(recipe, 384, 1152) == recipe
    half = in_proportion(replace(recipe, objective=Objective(bank=-1, momentum=0.5)), 384, 1152).objective
    assert (half.bank, half.momentum) == (27, 0.5)
