"""What ends a run before its time."""

from avgdt.errors import AvgdtError


class TrainingError(AvgdtError):
    """A run that cannot start or go on; the message says why and what to do."""


class Diverged(TrainingError):
    """The loss or the weights are beyond use: the last checkpoint stays."""


class DamagedCheckpoint(TrainingError):
    """A checkpoint that cannot be used."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; restore it from a copy, or start a new run in another --out")
        self.reason = reason
        """Its path and what is wrong with it."""


class FolderGone(TrainingError):
    """The folder of a run was deleted or moved while it was written to."""


class OtherRecipe(TrainingError):
    """A run cannot go on with another recipe than its own."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what = what
        """The fields that differ, with both values."""


class TooManyFailed(TrainingError):
    """Too many recordings cannot be read any more."""
