"""Exception of reports, tables and diagrams."""

from avgdt.errors import AvgdtError


class ReportError(AvgdtError):
    """Raised if a page, table or diagram cannot be created; the message names the file and a remedy."""
