"""Errors of networks, their inputs and their weights."""

from __future__ import annotations

from avgdt.errors import AvgdtError


class ModelError(AvgdtError):
    """A network that cannot be built with the given sizes, or an input of the wrong shape."""


class HardwareError(AvgdtError):
    """A device or a precision that this machine does not support."""


class WeightsError(AvgdtError):
    """A weights file that cannot be read or belongs to other networks."""
