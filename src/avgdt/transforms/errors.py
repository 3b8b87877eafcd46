"""The error of a transformation that does not fit the clips."""

from avgdt.errors import AvgdtError


class TransformError(AvgdtError):
    """Two sizes of a recipe do not fit each other; the message names the fields and the remedy."""
