"""Exception raised by evaluations."""

from avgdt.errors import AvgdtError


class EvaluationError(AvgdtError):
    """Raised if data, weights or options do not permit an evaluation; the message names the file or option."""
