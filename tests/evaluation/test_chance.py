from __future__ import annotations

import pytest
import torch

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, TimeShift
from avgdt.evaluation.chance import chance_accuracy, chance_loss, recall_rank
from avgdt.objective.nce import Negatives, batch_negatives, contrastive_loss, pooled_negatives
from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import Objective
from tests.helpers.recipes import tiny

SHIFTED = Composition(Modality(), TimeShift(at_least=0.1, distinctive=True))


@pytest.mark.parametrize("recipe", [tiny(), tiny(composition=SHIFTED)])
@pytest.mark.parametrize(("negatives", "step"), [("batch", 1), ("bank", 2), ("bank", 3), ("bank", 9)])
@pytest.mark.parametrize("negatives_from", ["view", "modality"])
def test_the_chance_loss_equals_the_loss_of_identical_embeddings(
    recipe: Recipe, negatives: str, step: int, negatives_from: str
) -> None:
    objective = Objective(negatives=negatives, bank=10, negatives_from=negatives_from)  # type: ignore[arg-type]
    recipe = tiny(composition=recipe.composition, objective=objective)
    batch, views = recipe.run.batch, len(recipe.composition.views)
    same = [torch.ones(batch, 1)] * views
    if negatives == "batch":
        others = batch_negatives(same, torch.arange(batch))
    else:
        filled = min(10, batch * (step - 1))
        others = [Negatives(torch.ones(filled, 1), torch.ones(batch, filled, dtype=torch.bool))] * views
    if negatives_from == "modality":
        others = pooled_negatives(others, [view.modality for view in recipe.composition.views])
    result = contrastive_loss(same, same, others, recipe.composition.attract, recipe.composition.repel, 0.07)
    assert chance_loss(recipe, step) == pytest.approx(float(result.loss))


def test_the_chance_accuracy_is_one_divided_by_the_number_of_keys() -> None:
    recipe = tiny()  # a bank of 10 keys, batches of 4
    assert chance_accuracy(recipe, 1) == 0  # an empty bank has no negatives
    assert chance_accuracy(recipe, 2) == pytest.approx(1 / 5)
    assert chance_accuracy(recipe, 100) == pytest.approx(1 / 11)


@pytest.mark.parametrize(("gallery", "k"), [(2, 1), (19, 1), (20, 5), (39, 5), (40, 10), (5000, 10)])
def test_recall_is_measured_at_the_largest_k_with_a_chance_level_of_at_most_a_quarter(gallery: int, k: int) -> None:
    assert recall_rank(gallery) == k
