"""Exception raised by experiments."""

from avgdt.errors import AvgdtError


class ExperimentError(AvgdtError):
    """Raised if an experiment cannot be run or read; the message names the option or the file, and a remedy."""
