"""The error of invalid inputs of the objective."""

from __future__ import annotations

from avgdt.errors import AvgdtError


class ObjectiveError(AvgdtError):
    """Views, keys, relations or sizes do not fit together, or a value is out of range."""
