"""The error of a report that cannot be written."""

from avgdt.errors import AvgdtError


class ReportError(AvgdtError):
    """A run that cannot be told; the message names the file and the remedy."""
