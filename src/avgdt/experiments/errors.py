"""The error of the experiments."""

from avgdt.errors import AvgdtError


class ExperimentError(AvgdtError):
    """Error of an experiment that cannot be run or read; the message names the option or the file, and a remedy."""
