"""What a network that tells nothing apart would reach in training, to be drawn beside the curves."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from avgdt.recipes.describe import other_keys
from avgdt.recipes.recipe import Recipe


def guessed_loss(recipe: Recipe, step: int) -> float:
    """The loss where all candidates are equally near: the logarithm of their number, summed or averaged over pairs."""
    losses = [log(number) for number in _candidates(recipe, step)]
    return sum(losses) / (len(losses) if recipe.objective.pair_reduction == "mean" else 1)


def guessed_accuracy(recipe: Recipe, step: int) -> float:
    """The share of re-identified recordings when one candidate is drawn; 0 where there is nothing to tell apart."""
    shares = [1 / number if number > 1 else 0.0 for number in _candidates(recipe, step)]
    return sum(shares) / len(shares)


def _candidates(recipe: Recipe, step: int) -> Iterator[int]:
    """For each pair that attracts, the positive and all its negatives; a recording's own few keys in the bank count."""
    batch, objective, composition = recipe.run.batch, recipe.objective, recipe.composition
    recordings = batch - 1 if objective.negatives == "batch" else min(objective.bank, (step - 1) * batch)
    others = other_keys(recipe, recordings)
    for attracts, repels in zip(composition.attract, composition.repel, strict=True):
        yield from [1 + others + sum(repels)] * sum(attracts)
