"""The error of the report."""

from avgdt.errors import AvgdtError


class ReportError(AvgdtError):
    """A run or a recording that a page, table or diagram cannot be made of; the message names file and remedy."""
