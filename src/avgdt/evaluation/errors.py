"""What can be wrong with the data or the weights of an evaluation."""

from avgdt.errors import AvgdtError


class EvaluationError(AvgdtError):
    """The evaluation cannot be done as asked; the message names the column, split or file and the remedy."""
