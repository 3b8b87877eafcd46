"""Checks of a recipe: bounds of single values, finiteness of numbers, and consistency between fields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from avgdt.composition.distinguishable import check_distinguishable
from avgdt.composition.factors import Reversal
from avgdt.recipes.errors import RecipeError

if TYPE_CHECKING:
    from avgdt.recipes.recipe import Recipe

_MOST = 2**32
"""Maximum magnitude of a number in a recipe: larger than any sensible value, and small enough to index arrays."""


def at_least(field: str, value: float, least: float) -> None:
    """Raise :class:`RecipeError` if ``value`` is below ``least`` or NaN."""
    if not value >= least:
        raise RecipeError(f"{field}: {value:g} is too small; use {least:g} or more")


def above(field: str, value: float, bound: float) -> None:
    """Raise :class:`RecipeError` unless ``value`` is greater than ``bound``."""
    if not value > bound:
        raise RecipeError(f"{field}: {value:g} is too small; use more than {bound:g}")


def below(field: str, value: float, bound: float) -> None:
    """Raise :class:`RecipeError` unless ``value`` is less than ``bound``."""
    if not value < bound:
        raise RecipeError(f"{field}: {value:g} is too large; use less than {bound:g}")


def one_of(field: str, value: float, values: Sequence[float]) -> None:
    """Raise :class:`RecipeError` unless ``value`` is one of ``values``."""
    if value not in values:
        raise RecipeError(f"{field}: {value:g} is not allowed; use {' or '.join(f'{allowed:g}' for allowed in values)}")


def fraction(field: str, value: float) -> None:
    """Raise :class:`RecipeError` unless ``value`` is in [0, 1]."""
    if not 0 <= value <= 1:
        raise RecipeError(f"{field}: {value:g} is out of range; use 0 to 1")


def seed(field: str, value: int) -> None:
    """Raise :class:`RecipeError` unless ``value`` is in [0, 2^32 - 1]; products of two seeds fit into 64 bits."""
    if not 0 <= value < 2**32:
        raise RecipeError(f"{field}: {value} is out of range; use 0 to {2**32 - 1}")


def check_finite(value: Any, where: str = "") -> None:
    """Raise :class:`RecipeError` if a number anywhere in ``value`` is not finite or exceeds 2^32 in magnitude."""
    if is_dataclass(value):
        for f in fields(value):
            check_finite(getattr(value, f.name), f"{where}.{f.name}" if where else f.name)
    elif isinstance(value, tuple):
        for i, element in enumerate(value):
            check_finite(element, f"{where}.{i}")
    elif isinstance(value, int | float) and not abs(value) <= _MOST:
        number = f"a number beyond {_MOST}" if isinstance(value, int) or math.isfinite(value) else value
        raise RecipeError(f"{where}: {number} is not allowed; use a finite number up to {_MOST}")


def check_coherent(recipe: Recipe) -> None:
    """Raise :class:`RecipeError` if fields in different parts of a recipe contradict each other."""
    composition, groups, run = recipe.composition, recipe.objective.key_groups, recipe.run
    colours = recipe.model.video.channels > 1
    most = run.batch // math.ceil(run.batch / (run.norm_group or run.batch))
    if recipe.objective.negatives == "bank" and groups > most:
        raise RecipeError(
            f"objective.key_groups: {groups} is more than the {most} recordings of a batch norm group (run.batch, "
            f"run.norm_group); use {most} or less"
        )
    if "video" in composition.modalities and recipe.clip.frames == 1:
        if any(isinstance(factor, Reversal) and factor.distinctive for factor in composition.factors):
            raise RecipeError(
                "clip.frames: 1 frame is the same in either direction, so Reversal cannot be distinctive; raise "
                "clip.frames or make Reversal invariant"
            )
        if recipe.normalisation.subtract_mean_frame == 1:
            raise RecipeError(
                "normalisation.subtract_mean_frame: 1 reduces a clip of 1 frame to zeros; raise clip.frames"
            )
    across = composition.partners != "equal"
    check_distinguishable(composition.factors, composition.time, composition.video, composition.audio, across, colours)
