"""Bounds of a recipe's numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from avgdt.recipes.errors import RecipeError
from avgdt.recipes.factors import require


def at_least(field: str, value: float, least: float) -> None:
    """Raise :class:`RecipeError` where ``value`` is below ``least`` or not a number."""
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
        raise RecipeError(f"{field}: {value:g} cannot be; use {' or '.join(f'{one:g}' for one in values)}")


def share(field: str, value: float) -> None:
    """Raise :class:`RecipeError` unless ``value`` lies in [0, 1]."""
    if not 0 <= value <= 1:
        raise RecipeError(f"{field}: {value:g} is no share; use 0 to 1")


def seed(field: str, value: int) -> None:
    """Raise :class:`RecipeError` unless ``value`` lies in 0 to 2^32 - 1, so that products of it stay in 64 bits."""
    if not 0 <= value < 2**32:
        raise RecipeError(f"{field}: {value} cannot be a seed; use 0 to {2**32 - 1}")


def probability(of: str, value: float) -> None:
    """Raise :class:`CompositionError` unless ``value`` lies in 0 to 1."""
    require(0 <= value <= 1, f"{of}: probability must lie in 0 to 1, not {value:g}")


def span(of: str, low: float, high: float, names: str = "low <= high") -> None:
    """Raise :class:`CompositionError` unless ``low`` and ``high`` are finite and in this order."""
    holds = low <= high and math.isfinite(low) and math.isfinite(high)
    require(holds, f"{of}: {names} must hold and both be finite, not {low:g} and {high:g}")


def strength(of: str, name: str, value: float, most: float) -> None:
    """Raise :class:`CompositionError` unless ``value`` lies in 0 to ``most``."""
    require(0 <= value <= most, f"{of}: {name} must lie in 0 to {most:g}, not {value:g}")
