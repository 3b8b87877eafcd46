"""The error for invalid inputs of the objective."""

from __future__ import annotations

from avgdt.errors import AvgdtError


class ObjectiveError(AvgdtError):
    """Error of inputs (views, keys, relations, sizes) that do not fit together, or of a value that is out of range."""
