"""Against how many keys a query stands."""

from __future__ import annotations

from avgdt.recipes.recipe import Recipe


def other_keys(recipe: Recipe, recordings: int) -> int:
    """Keys that ``recordings`` others set against each positive: one each, or one for each view of its modality."""
    composition = recipe.composition
    own = len(composition.views) // len(composition.modalities) if recipe.objective.negatives_from == "modality" else 1
    return own * recordings
