"""Bounds of a recipe's numbers."""

from __future__ import annotations

from collections.abc import Sequence

from avgdt.recipes.errors import RecipeError


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
