"""The error of evaluations."""

from avgdt.errors import AvgdtError


class EvaluationError(AvgdtError):
    """An evaluation that the data, weights or options do not allow; the message names the file or option."""
