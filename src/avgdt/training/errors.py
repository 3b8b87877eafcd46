"""Errors raised by training runs."""

from avgdt.errors import AvgdtError


class TrainingError(AvgdtError):
    """Raised if a run cannot start or continue."""


class Diverged(TrainingError):
    """Raised if the loss or the weights of a run are not finite, or if the norm of the weights has grown too much."""


class DamagedCheckpoint(TrainingError):
    """Raised if a checkpoint is damaged or does not have the expected format."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; restore it from a copy, or start a new run with another --out")
        self.reason = reason
        """Path of the checkpoint and its defect, without the remedy."""


class FolderGone(TrainingError):
    """Raised if the folder of a run was deleted or moved during the run."""


class OtherRecipe(TrainingError):
    """Raised if a run is resumed with a recipe that differs in fields that must not change."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what = what
        """Description of the fields that differ, with both values of each, without the remedy."""


class TooManyFailed(TrainingError):
    """Raised if too many recordings of a run are unreadable: in total, or in one batch norm group."""


class RankFailed(TrainingError):
    """Raised if another process of a distributed run has failed; the message contains the error that it reported."""
