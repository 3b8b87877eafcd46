"""Bank size and momentum in the paper's proportions, for any number of recordings and steps.

The paper trains for 200 epochs on 210,000 recordings with a batch size of 1024 (41,000 steps), a bank of 15,000 keys
and a momentum of 0.999. Hence the bank holds 7 % of the recordings, and the momentum encoders average over the last
1,000 steps, which are 2.4 % of the run. A much larger bank holds keys of outdated encoders, so a query may
distinguish keys by their age. A much lower momentum increases this risk. With a much higher momentum, the momentum
encoders lag behind.
"""

from __future__ import annotations

from dataclasses import replace

from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import AUTO

RECORDINGS, BATCH, EPOCHS, BANK, MOMENTUM = 210_000, 1024, 200, 15_000, 0.999
STEPS = EPOCHS * RECORDINGS / BATCH


def bank_size(recordings: int, batch: int) -> int:
    """Return the number of keys per view in the bank: the paper's fraction of ``recordings``, but at least
    ``batch``."""
    return max(batch, round(recordings * BANK / RECORDINGS))


def momentum(steps: int) -> float:
    """Return the momentum that averages over the paper's fraction of the ``steps`` of a run."""
    return max(0.0, 1 - (1 - MOMENTUM) * STEPS / steps)


def in_proportion(recipe: Recipe, recordings: int, steps: int) -> Recipe:
    """Return the recipe with an ``objective.bank`` or ``objective.momentum`` of -1 set in the paper's proportion."""
    objective = recipe.objective
    if objective.bank == AUTO:
        objective = replace(objective, bank=bank_size(recordings, recipe.run.batch))
    if objective.momentum == AUTO:
        objective = replace(objective, momentum=momentum(steps))
    return replace(recipe, objective=objective)
