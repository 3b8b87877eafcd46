"""What ends a run before its time."""

from avgdt.errors import AvgdtError


class TrainingError(AvgdtError):
    """A run that cannot start or go on; the message says why and what to do."""


class Diverged(TrainingError):
    """The loss or the weights are beyond use: the last checkpoint stays."""


class NotWritten(TrainingError):
    """A file that cannot be written, most often because the disk is full."""


class TooManyFailed(TrainingError):
    """Too many recordings cannot be read any more."""
