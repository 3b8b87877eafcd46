"""Mistakes in what is asked of the little world."""

from __future__ import annotations

from avgdt.errors import AvgdtError


class WorldError(AvgdtError):
    """The world cannot be rendered as asked."""
