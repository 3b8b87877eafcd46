"""Exceptions for networks and their inputs, for hardware settings and for weights files."""

from __future__ import annotations

from avgdt.errors import AvgdtError


class ModelError(AvgdtError):
    """Error for a network that cannot be built with the given sizes, or for an input that it cannot process."""


class HardwareError(AvgdtError):
    """Error for a device or a precision that this machine does not support."""


class WeightsError(AvgdtError):
    """Error for a weights file that cannot be read or written, or that belongs to another architecture."""
