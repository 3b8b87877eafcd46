"""Exception for transformations that do not fit the clips."""

from avgdt.errors import AvgdtError


class TransformError(AvgdtError):
    """Raised if sizes in a recipe do not fit each other; the message names the fields and a remedy."""
