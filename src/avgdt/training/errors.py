"""Errors raised by training runs."""

from avgdt.errors import AvgdtError


class TrainingError(AvgdtError):
    """Error of a run that cannot start or continue."""


class Diverged(TrainingError):
    """Error of a run whose loss or weights are not finite, or whose weights have grown out of bounds."""


class DamagedCheckpoint(TrainingError):
    """Error of a checkpoint that is damaged or has another format."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; restore it from a copy, or start a new run in another --out")
        self.reason = reason
        """Path and defect of the checkpoint, without the remedy."""


class FolderGone(TrainingError):
    """Error of a run whose folder was deleted or moved during the run."""


class OtherRecipe(TrainingError):
    """Error of a run that is resumed with a recipe that differs in fields that cannot change."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what = what
        """Description of the fields that differ, each with both values, without the remedy."""


class TooManyFailed(TrainingError):
    """Error of a run with too many unreadable recordings: in total, or in one batch norm group."""


class RankFailed(TrainingError):
    """Error of a distributed run in which another process has ended; the message is what that process reported."""
