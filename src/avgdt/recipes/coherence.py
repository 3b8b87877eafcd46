"""What the parts of a recipe ask of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgdt.composition.distinguishable import check_distinguishable
from avgdt.composition.factors import Reversal
from avgdt.recipes.errors import RecipeError

if TYPE_CHECKING:
    from avgdt.recipes.recipe import Recipe


def check_coherent(recipe: Recipe) -> None:
    """Raise :class:`RecipeError` where one part leaves another without a meaning."""
    composition, groups, batch = recipe.composition, recipe.objective.key_groups, recipe.run.batch
    colours = recipe.model.video.channels > 1
    if recipe.objective.negatives == "bank" and groups > batch:
        raise RecipeError(f"objective.key_groups: {groups} is more than run.batch, {batch}; use {batch} or less")
    if "video" in composition.modalities and recipe.clip.frames == 1:
        if any(isinstance(factor, Reversal) and factor.distinctive for factor in composition.factors):
            raise RecipeError("clip.frames: 1 frame is the same in either direction, so Reversal cannot be distinctive")
        if recipe.normalisation.subtract_mean_frame == 1:
            raise RecipeError(
                "normalisation.subtract_mean_frame: 1 leaves nothing of a clip of 1 frame; raise clip.frames"
            )
    across = composition.partners != "equal"
    check_distinguishable(composition.factors, composition.time, composition.video, composition.audio, across, colours)
