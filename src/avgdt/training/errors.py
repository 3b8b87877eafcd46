"""Errors of training runs."""

from avgdt.errors import AvgdtError


class TrainingError(AvgdtError):
    """A run that cannot start or continue."""


class Diverged(TrainingError):
    """The loss or the weights are not finite, or the weights have grown out of bounds."""


class DamagedCheckpoint(TrainingError):
    """A checkpoint that cannot be used."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; restore it from a copy, or start a new run in another --out")
        self.reason = reason
        """Path and defect, without the remedy."""


class FolderGone(TrainingError):
    """The folder of a run was deleted or moved during the run."""


class OtherRecipe(TrainingError):
    """A run resumed with a recipe that differs in fields that cannot change."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what = what
        """The fields that differ, with both values."""


class TooManyFailed(TrainingError):
    """More recordings cannot be read than ``data.failing_at_most`` allows."""


class RankFailed(TrainingError):
    """Another process of a distributed training has ended; the message is what it reported."""
