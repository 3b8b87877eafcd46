"""Exception for transformations that do not fit the clips."""

from avgdt.errors import AvgdtError


class TransformError(AvgdtError):
    """Error for sizes in a recipe that do not fit each other; the message names the fields and a remedy."""
