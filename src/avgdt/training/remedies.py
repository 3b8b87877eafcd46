"""Remedies for errors that end a run: the commands that resume or restart the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from avgdt.data.store import StoreError
from avgdt.data.workers import WorkerError
from avgdt.errors import AvgdtError
from avgdt.files import WriteError
from avgdt.models.errors import WeightsError
from avgdt.recipes.recipe import Recipe
from avgdt.training.checkpoints import Checkpoints, newest_healthy
from avgdt.training.errors import Diverged, FolderGone, RankFailed, TooManyFailed, TrainingError
from avgdt.training.provenance import option, own_command
from avgdt.training.resuming import free_name


@dataclass(frozen=True)
class Remedies:
    """Commands that resume or restart a run, to be appended to error messages as remedies."""

    recipe: Recipe
    out: Path
    data: Path | None
    weights: Path | None
    """Path of the initial weights of a new run; None for random initial weights."""
    workers: int
    """Number of decoding processes."""
    folder_exists: Callable[[], bool]
    """Function that returns False once the run's folder has been deleted or moved."""

    def resume(self, *options: str) -> str:
        """Return the command that resumes the run from its newest checkpoint."""
        return own_command("pretrain", "--resume", *option("--out", self.out), *options)

    def restart(self, *options: str, out: Path | None = None) -> str:
        """Return the command that restarts the run from step 0, in the folder ``out`` if given."""
        words = option("--config", self.out / "config.yaml")
        words += [] if self.weights is None else option("--from", self.weights)
        words += option("--data", self.out / "manifest.csv" if self.data is None else self.data)
        return own_command("pretrain", *words, *option("--out", out or self.out), *options)

    def resume_or_restart(self, *options: str) -> str:
        """Return the command that resumes the run or, without a checkpoint, restarts it.

        The command is preceded by "resume with:" or "restart with:".
        """
        if Checkpoints(self.out).paths():
            return f"resume with: {self.resume(*options)}"
        return f"restart with: {self.restart(*options)}"

    def check_run_folder(self) -> None:
        """Raise :class:`FolderGone` if the run's folder was deleted or moved."""
        if not self.folder_exists():
            raise FolderGone(
                f"{self.out}: deleted or moved while the run was writing to it; nothing has been saved since then; "
                f"move it back and resume with: {self.resume()}, or restart the run with its recipe and --data"
            )

    @contextmanager
    def appended(self, precision: str) -> Iterator[None]:
        """Return a context manager that appends a remedy to an error that ends training.

        ``precision`` is the name of the run's precision.
        """
        try:
            yield
        except AvgdtError as error:
            self.check_run_folder()
            raise self._with_remedy(error, precision) from None

    def _with_remedy(self, error: AvgdtError, precision: str) -> AvgdtError:
        match error:
            case Diverged():
                return Diverged(f"{error}; {self._after_divergence(precision)}")
            case TooManyFailed():
                return TooManyFailed(
                    f"{error}; restore the files, give --data NEW if they were moved, or allow more with "
                    f"--data.failing_at_most; then {self.resume_or_restart()}"
                )
            case StoreError():
                return StoreError(f"{error}; {self.resume_or_restart('--data.store', 'off')}")
            case RankFailed():
                return RankFailed(f"{error}; then {self.resume_or_restart()}")
            case WriteError():
                return WriteError(f"{error}; then {self.resume_or_restart()}")
            case WeightsError():
                return TrainingError(f"{error}; then {self.resume_or_restart()}")
            case WorkerError():
                fewer = self.resume_or_restart("--run.workers", str(self.workers // 2))
                return TrainingError(f"{error.message}; {error.remedy} or lower --run.workers, and {fewer}")
        return error

    def _after_divergence(self, precision: str) -> str:
        growths = Checkpoints(self.out).growths()
        step, note = newest_healthy(growths), ""
        lr = ("--optimiser.lr", f"{self.recipe.optimiser.lr / 10:g}")
        command = self.resume_or_restart(*lr)
        if growths and step is None:
            note = ", and so have all its checkpoints"
            command = f"restart with: {self.restart(*lr, out=free_name(self.out))}"
        elif growths and step != max(growths):
            note = f", and so have its checkpoints after step {step}"
            command = f"resume with: {self.resume('--step', str(step), *lr)}"
        elif growths:
            note = ", but its last checkpoint was saved before that"
        exact = (
            "" if precision == "fp32" else f" (or use --run.precision fp32 if the range of {precision} is the cause)"
        )
        return f"the run has diverged{note}; lower the learning rate{exact}: {command}"
