"""The error of experiments."""

from avgdt.errors import AvgdtError


class ExperimentError(AvgdtError):
    """An experiment that cannot be run or read; the message names the option or the file, and a remedy."""
