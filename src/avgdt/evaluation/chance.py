"""Chance levels: the loss, re-identification accuracy and recall of embeddings that hold no information."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from avgdt.recipes.describe import other_keys
from avgdt.recipes.recipe import Recipe


def chance_loss(recipe: Recipe, step: int) -> float:
    """The NCE loss where all keys are equally similar: the logarithm of their number, reduced over pairs of views."""
    losses = [log(number) for number in _keys(recipe, step)]
    return sum(losses) / (len(losses) if recipe.objective.pair_reduction == "mean" else 1)


def chance_accuracy(recipe: Recipe, step: int) -> float:
    """The re-identification accuracy of a random choice among all keys; 0 where there are no negatives."""
    shares = [1 / number if number > 1 else 0.0 for number in _keys(recipe, step)]
    return sum(shares) / len(shares)


def _keys(recipe: Recipe, step: int) -> Iterator[int]:
    """For each pair of views that attracts, the number of keys: the positive and all negatives.

    The few keys of the same recording in the bank are counted as negatives.
    """
    batch, objective, composition = recipe.run.batch, recipe.objective, recipe.composition
    recordings = batch - 1 if objective.negatives == "batch" else min(objective.bank, (step - 1) * batch)
    others = other_keys(recipe, recordings)
    for attracts, repels in zip(composition.attract, composition.repel, strict=True):
        yield from [1 + others + sum(repels)] * sum(attracts)


def recall_rank(gallery: int) -> int:
    """The k of the recall at k to judge by: the largest of 1, 5 and 10 whose chance level is at most 1/4."""
    return max(k for k in (1, 5, 10) if k == 1 or k / gallery <= 0.25)
