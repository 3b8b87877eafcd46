"""Commands that resume or restart a run, shown with the error that ended it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from avgdt.data.workers import WorkerError
from avgdt.files import WriteError
from avgdt.models.errors import WeightsError
from avgdt.recipes.recipe import Recipe
from avgdt.training.errors import Diverged, TooManyFailed, TrainingError
from avgdt.training.provenance import own_command


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

    @property
    def _checkpoint(self) -> Path:
        return self.out / "checkpoints" / "last.pt"

    def go_on(self, *options: str) -> str:
        """The command that resumes from the last checkpoint."""
        return own_command("pretrain", "--resume", "--out", str(self.out), *options)

    def start_again(self, *options: str) -> str:
        """The command that starts the run again where it has no checkpoint."""
        data = self.out / "manifest.csv" if self.data is None else self.data
        config = ["--config", str(self.out / "config.yaml")]
        start = [] if self.weights is None else ["--from", str(self.weights)]
        return own_command("pretrain", *config, *start, "--data", str(data), "--out", str(self.out), *options)

    def anew(self, *options: str) -> str:
        """The command that resumes where there is a checkpoint, and starts again otherwise."""
        if self._checkpoint.exists():
            return f"go on with: {self.go_on(*options)}"
        return f"start again with: {self.start_again(*options)}"

    @contextmanager
    def named(self, precision: str) -> Iterator[None]:
        """Context in which an error that ends a training run in ``precision`` early gets a remedy appended."""
        try:
            yield
        except Diverged as error:
            rate = f"{self.recipe.optimiser.rate / 10:g}"
            exact = "" if precision == "fp32" else f" (or it is for want of {precision}'s digits: --run.precision fp32)"
            kept = ", and the last checkpoint before it is kept" if self._checkpoint.exists() else ""
            raise Diverged(
                f"{error}; the training has diverged{kept}; lower the learning rate{exact}: "
                f"{self.anew('--optimiser.rate', rate)}"
            ) from None
        except TooManyFailed as error:
            raise TooManyFailed(
                f"{error}; restore the files, give --data NEW where they were moved, or allow more with "
                f"--data.failing_at_most; then {self.anew()}"
            ) from None
        except WriteError as error:
            raise WriteError(f"{error}; then {self.anew()}") from None
        except WeightsError as error:
            raise TrainingError(f"{error}; then {self.anew()}") from None
        except WorkerError as error:
            fewer = str(self.workers // 2)
            raise TrainingError(
                f"{error.message}; {error.remedy} or lower --run.workers, and {self.anew('--run.workers', fewer)}"
            ) from None
