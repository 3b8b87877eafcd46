"""Exception for invalid inputs of the objective."""

from __future__ import annotations

from avgdt.errors import AvgdtError


class ObjectiveError(AvgdtError):
    """Raised if inputs (views, keys, relations, sizes) do not fit together, or if a value is out of range."""
