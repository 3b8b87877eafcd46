"""The error of a transformation that does not fit the clips it is given."""

from avgdt.errors import AvgdtError


class TransformError(AvgdtError):
    """A size in the recipe that does not fit another; the message names the fields and the remedy."""
