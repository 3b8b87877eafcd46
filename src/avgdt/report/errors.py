"""The error of reports, tables and diagrams."""

from avgdt.errors import AvgdtError


class ReportError(AvgdtError):
    """A page, table or diagram that cannot be made from a run or a recording; the message names file and remedy."""
