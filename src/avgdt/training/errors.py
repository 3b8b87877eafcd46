"""What ends a run before its time."""

from avgdt.errors import AvgdtError


class TrainingError(AvgdtError):
    """A run that cannot start or go on; the message says why and what to do."""
