"""Exception raised by evaluations."""

from avgdt.errors import AvgdtError


class EvaluationError(AvgdtError):
    """Exception for data, weights or options that cannot be evaluated; the message names the file or option."""
