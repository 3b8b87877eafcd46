"""Numbers that a recipe can hold."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

from avgdt.recipes.errors import RecipeError

_MOST = 2**32
"""Beyond any sensible number, and within what arrays can be indexed by."""


def check_finite(value: Any, where: str = "") -> None:
    """Raise :class:`RecipeError` for a number anywhere in ``value`` that is not finite or beyond 2^32."""
    if is_dataclass(value):
        for f in fields(value):
            check_finite(getattr(value, f.name), f"{where}.{f.name}" if where else f.name)
    elif isinstance(value, tuple):
        for i, one in enumerate(value):
            check_finite(one, f"{where}.{i}")
    elif isinstance(value, int | float) and not abs(value) <= _MOST:
        finite = isinstance(value, int) or math.isfinite(value)
        raise RecipeError(f"{where}: {f'beyond {_MOST}' if finite else value} is no number that a recipe can hold")
