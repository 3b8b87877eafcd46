"""What can be wrong with the data or the weights of an evaluation."""

from avgdt.errors import AvgdtError


class EvaluationError(AvgdtError):
    """An evaluation that cannot be done with the given data or options."""
