"""Exceptions for networks and their inputs, for hardware settings and for weights files."""

from __future__ import annotations

from avgdt.errors import AvgdtError


class ModelError(AvgdtError):
    """Raised if a network cannot be built with the given sizes, or cannot process its input."""


class HardwareError(AvgdtError):
    """Raised if this machine does not support a device or a precision."""


class WeightsError(AvgdtError):
    """Raised if a weights file cannot be read or written, or belongs to another architecture."""
