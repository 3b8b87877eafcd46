"""The nine compositions of time shift and time reversal, each absent, invariant or distinctive, by name."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from avgdt.composition.factors import Factor, Modality, Reversal, TimeShift
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.nearest import nearest
from avgdt.recipes.recipe import Recipe

_CHOICES = ("absent", "invariant", "distinctive")


def _name(shift: str, reversal: str) -> str:
    chosen = [f"{factor}-{choice}" for factor, choice in (("shift", shift), ("reversal", reversal))]
    return "-".join(part for part in chosen if not part.endswith("absent")) or "modality"


COMPOSITIONS: dict[str, tuple[str, str]] = {_name(*choices): choices for choices in product(_CHOICES, _CHOICES)}
"""Name -> what time shift is and what reversal is."""


def with_composition(recipe: Recipe, name: str) -> Recipe:
    """The recipe with time shift and reversal as ``name`` says; its other factors and all else stay.

    Windows start as far apart as the recipe had them, else by the length of one, so that they share nothing.
    Raises :class:`RecipeError` for an unknown name.
    """
    if name not in COMPOSITIONS:
        raise RecipeError(f"composition {name!r} is unknown; {nearest(name, COMPOSITIONS)}")
    shift, reversal = ({choice: True} for choice in COMPOSITIONS[name])
    composition = recipe.composition
    factors: list[Factor] = [factor for factor in composition.factors if isinstance(factor, Modality)]
    if "absent" not in shift:
        factors.append(TimeShift(composition.shift or composition.fastest * recipe.clip.seconds, **shift))
    if "absent" not in reversal:
        factors.append(Reversal(**reversal))
    factors += [f for f in composition.factors if not isinstance(f, Modality | TimeShift | Reversal)]
    return replace(recipe, composition=replace(composition, factors=tuple(factors)))
