"""What can be wrong with a set of recordings."""

from avgdt.errors import AvgdtError


class DataError(AvgdtError):
    """The recordings do not fit what is asked; the message names the folder or field and the remedy."""
