"""Chance levels: the loss, re-identification accuracy and recall of uninformative embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from avgdt.recipes.describe import other_keys
from avgdt.recipes.recipe import Recipe


def chance_loss(recipe: Recipe, step: int) -> float:
    """Return the NCE loss at chance level, at which all keys are equally similar to the query.

    The loss of a pair of views is then the logarithm of the number of keys. The losses of all pairs are averaged or
    summed, as in training.
    """
    losses = [log(number) for number in _keys(recipe, step)]
    return sum(losses) / (len(losses) if recipe.objective.pair_reduction == "mean" else 1)


def chance_accuracy(recipe: Recipe, step: int) -> float:
    """Return the re-identification accuracy at chance level, averaged over pairs of views; 0 without negatives."""
    accuracies = [1 / number if number > 1 else 0.0 for number in _keys(recipe, step)]
    return sum(accuracies) / len(accuracies)


def _keys(recipe: Recipe, step: int) -> Iterator[int]:
    """Yield the number of keys (the positive and all negatives) for each positive pair of views.

    The few keys of the query's own recording in the memory bank are counted as negatives.
    """
    batch, objective, composition = recipe.run.batch, recipe.objective, recipe.composition
    recordings = batch - 1 if objective.negatives == "batch" else min(objective.bank, (step - 1) * batch)
    others = other_keys(recipe, recordings)
    for attracts, repels in zip(composition.attract, composition.repel, strict=True):
        yield from [1 + others + sum(repels)] * sum(attracts)


def recall_rank(gallery: int) -> int:
    """Return the largest k among 1, 5 and 10 whose chance-level recall is at most 1/4; 1 if there is none."""
    return max(k for k in (1, 5, 10) if k == 1 or k / gallery <= 0.25)
