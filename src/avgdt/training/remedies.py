"""Commands that resume or restart a run, shown with the error that ended it."""

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
from avgdt.training.errors import Diverged, FolderGone, TooManyFailed, TrainingError
from avgdt.training.kept_checkpoints import Checkpoints, newest_healthy
from avgdt.training.provenance import option, own_command
from avgdt.training.resuming import free_name


@dataclass(frozen=True)
class Remedies:
    """Commands to resume a run or to start it again, for error messages."""

    recipe: Recipe
    out: Path
    data: Path | None
    weights: Path | None
    """What a new run starts from."""
    workers: int
    """Processes that decode."""
    is_there: Callable[[], bool]
    """Whether the run's folder is still where it was."""

    def go_on(self, *options: str) -> str:
        """The command that resumes from the last checkpoint."""
        return own_command("pretrain", "--resume", *option("--out", self.out), *options)

    def start_again(self, *options: str, out: Path | None = None) -> str:
        """The command that starts the run again where it has no checkpoint, or in another folder ``out``."""
        words = option("--config", self.out / "config.yaml")
        words += [] if self.weights is None else option("--from", self.weights)
        words += option("--data", self.out / "manifest.csv" if self.data is None else self.data)
        return own_command("pretrain", *words, *option("--out", out or self.out), *options)

    def anew(self, *options: str) -> str:
        """The command that resumes where there is a checkpoint, and starts again otherwise."""
        if Checkpoints(self.out).paths():
            return f"go on with: {self.go_on(*options)}"
        return f"start again with: {self.start_again(*options)}"

    def check_there(self) -> None:
        """Raise :class:`FolderGone` where the run's folder is not where it was."""
        if not self.is_there():
            raise FolderGone(
                f"{self.out}: was deleted or moved while this run was writing to it, and nothing more was saved; move "
                f"it back and go on with: {self.go_on()}, or start the run again with its recipe and --data"
            )

    @contextmanager
    def named(self, precision: str) -> Iterator[None]:
        """Context in which an error that ends a training run in ``precision`` early gets a remedy appended."""
        try:
            yield
        except AvgdtError as error:
            self.check_there()
            raise self._with_remedy(error, precision) from None

    def _with_remedy(self, error: AvgdtError, precision: str) -> AvgdtError:
        match error:
            case Diverged():
                return Diverged(f"{error}; {self._after_divergence(precision)}")
            case TooManyFailed():
                return TooManyFailed(
                    f"{error}; restore the files, give --data NEW where they were moved, or allow more with "
                    f"--data.failing_at_most; then {self.anew()}"
                )
            case StoreError():
                return StoreError(f"{error}; {self.anew('--data.store', 'off')}")
            case WriteError():
                return WriteError(f"{error}; then {self.anew()}")
            case WeightsError():
                return TrainingError(f"{error}; then {self.anew()}")
            case WorkerError():
                fewer = self.anew("--run.workers", str(self.workers // 2))
                return TrainingError(f"{error.message}; {error.remedy} or lower --run.workers, and {fewer}")
        return error

    def _after_divergence(self, precision: str) -> str:
        growths = Checkpoints(self.out).growths()
        step, kept = newest_healthy(growths), ""
        rate = ("--optimiser.lr", f"{self.recipe.optimiser.lr / 10:g}")
        command = self.anew(*rate)
        if growths and step is None:
            kept = ", and so have the weights of its checkpoints"
            command = f"start again with: {self.start_again(*rate, out=free_name(self.out))}"
        elif growths and step != max(growths):
            kept = f", and so have the weights of its checkpoints after step {step}"
            command = f"go on with: {self.go_on('--step', str(step), *rate)}"
        elif growths:
            kept = ", and the last checkpoint before it is kept"
        exact = "" if precision == "fp32" else f" (or it is for want of {precision}'s digits: --run.precision fp32)"
        return f"the training has diverged{kept}; lower the learning rate{exact}: {command}"
