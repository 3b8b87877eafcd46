"""The size of the memory bank and the momentum in the paper's proportions, for any number of recordings and steps.

The paper trains 200 epochs of 210,000 recordings in batches of 1024, which is 41,000 steps, with a bank of 15,000 keys
and a momentum of 0.999. So the bank holds 7 % of the recordings, and the momentum encoders average over the last 1,000
steps, 2.4 % of the training. A bank much larger than that holds keys of encoders that have changed since, and queries
learn to recognise new keys by their age; encoders that follow much faster make that worse, much slower ones lag behind.
"""

from __future__ import annotations

from dataclasses import replace

from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import AUTO

RECORDINGS, BATCH, EPOCHS, BANK, MOMENTUM = 210_000, 1024, 200, 15_000, 0.999
STEPS = EPOCHS * RECORDINGS / BATCH


def bank_size(recordings: int, batch: int) -> int:
    """Keys that the bank holds per view: the paper's share of the recordings, and no less than a batch."""
    return max(batch, round(recordings * BANK / RECORDINGS))


def momentum(steps: int) -> float:
    """The momentum whose average is over the paper's share of ``steps``, the steps of the whole training."""
    return max(0.0, 1 - (1 - MOMENTUM) * STEPS / steps)


def in_proportion(recipe: Recipe, recordings: int, steps: int) -> Recipe:
    """The recipe with numbers for ``objective.bank`` and ``objective.momentum`` where they are left to this rule."""
    objective = recipe.objective
    if objective.bank == AUTO:
        objective = replace(objective, bank=bank_size(recordings, recipe.run.batch))
    if objective.momentum == AUTO:
        objective = replace(objective, momentum=momentum(steps))
    return replace(recipe, objective=objective)
