"""Exception for invalid compositions, and checks of the values of factors and augmentations."""

from __future__ import annotations

import math

from avgdt.errors import AvgdtError


class CompositionError(AvgdtError):
    """Raised if a composition is invalid; the message names the factor or augmentation and a remedy."""


def require(holds: bool, message: str) -> None:
    """Raise :class:`CompositionError` with ``message`` unless ``holds``."""
    if not holds:
        raise CompositionError(message)


def probability(of: str, value: float) -> None:
    """Raise :class:`CompositionError` unless ``value`` is in [0, 1]."""
    require(0 <= value <= 1, f"{of}: probability must be between 0 and 1, not {value:g}")


def span(of: str, low: float, high: float, names: str = "low <= high") -> None:
    """Raise :class:`CompositionError` unless both bounds are finite and ``low`` is at most ``high``."""
    holds = low <= high and math.isfinite(low) and math.isfinite(high)
    require(holds, f"{of}: {names} must hold, and both must be finite, not {low:g} and {high:g}")


def strength(of: str, name: str, value: float, most: float) -> None:
    """Raise :class:`CompositionError` unless ``value`` is between 0 and ``most``."""
    require(0 <= value <= most, f"{of}: {name} must be between 0 and {most:g}, not {value:g}")
