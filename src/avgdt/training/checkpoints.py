"""Checkpoints of a run; older ones are retained in case the newest is damaged or the run has diverged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avgdt.recipes.recipe import Recipe
from avgdt.training.checkpoint_file import load_checkpoint, save_checkpoint
from avgdt.training.errors import DamagedCheckpoint, TrainingError

HEALTHY_GROWTH = 10.0
"""Maximum ratio of the weight norm in a healthy checkpoint to the weight norm at the start of the run."""
HEALTHY_DIFFERENCE = 2.0
"""Maximum ratio of the weight norm in a healthy checkpoint to the smallest weight norm among the run's checkpoints."""


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A checkpoint that has been read from disk."""

    path: Path
    state: dict[str, Any]
    recipe: Recipe
    recordings: Sequence[str]
    """Identities of the training recordings, in the order of the training set."""

    @property
    def step(self) -> int:
        """Number of training steps taken before the checkpoint was saved."""
        return int(self.state["step"])

    @property
    def growth(self) -> float:
        """Norm of the weights, divided by their norm at the start of the run."""
        return float(self.state["norm"]) / float(self.state["norm_at_start"])


class Checkpoints:
    """The checkpoint files of a run, from newest to oldest: ``last.pt``, ``last-1.pt``, and so on."""

    def __init__(self, run: Path, count: int = 1) -> None:
        """Manage the checkpoints of the run in the folder ``run``; :meth:`save` retains the ``count`` newest."""
        self._run, self._count = run, count
        self._superseded: list[Path] = []
        """Paths of the checkpoints newer than the loaded one."""

    def _path(self, age: int) -> Path:
        return self._run / "checkpoints" / (f"last-{age}.pt" if age else "last.pt")

    def paths(self) -> list[Path]:
        """Return the paths of the existing checkpoints, newest first."""
        numbers = (path.stem.removeprefix("last-") for path in self._path(0).parent.glob("last-*.pt"))
        ages = sorted(int(number) for number in numbers if number.isdecimal())
        return [path for age in (0, *ages) if (path := self._path(age)).exists()]

    def load(self, step: int | None = None, on_message: Callable[[str], None] = lambda line: None) -> LoadedCheckpoint:
        """Load the newest readable checkpoint, or the checkpoint of ``step`` if given.

        ``on_message`` is called for each damaged checkpoint that is skipped. Raises :class:`TrainingError` if no such
        checkpoint exists, and :class:`DamagedCheckpoint` if all checkpoints are damaged.
        """
        paths, damaged, steps = self.paths(), list[DamagedCheckpoint](), list[int]()
        for index, path in enumerate(paths):
            try:
                loaded = LoadedCheckpoint(path, *load_checkpoint(path))
                steps.append(loaded.step)
            except DamagedCheckpoint as error:
                damaged.append(error)
                continue
            if step in (None, loaded.step):
                for defect in damaged:
                    on_message(f"{defect.reason}; skipped: resuming from {path.name}, step {loaded.step}")
                self._superseded = paths[:index]
                return loaded
        if steps:
            available = ", ".join(map(str, steps))
            raise TrainingError(f"--step: {self._run} has no checkpoint of step {step}; use one of {available}")
        if damaged:
            more = f" (damaged older checkpoints: {len(damaged) - 1})" if len(damaged) > 1 else ""
            raise DamagedCheckpoint(f"{damaged[0].reason}{more}")
        raise TrainingError(f"{self._path(0)}: no such checkpoint; start the run without --resume")

    def save(self, state: dict[str, Any], recipe: Recipe, recordings: list[str]) -> None:
        """Save a new ``last.pt``, rename the older checkpoints, and delete the oldest.

        For arguments and errors, see :func:`avgdt.training.checkpoint_file.save_checkpoint`.
        """
        save_checkpoint(self._path(0), state, recipe, recordings, self._make_room)
        for path in self.paths()[self._count :]:
            path.unlink()

    def drop_superseded(self) -> None:
        """Delete the checkpoints that are newer than the loaded one, since the resumed run replaces them."""
        for path in self._superseded:
            path.unlink(missing_ok=True)
        self._superseded = []

    def _make_room(self) -> None:
        """Rename each checkpoint to the name of the next older one, to free the name ``last.pt``."""
        self.drop_superseded()
        if self._path(0).exists():
            for age in range(self._count - 1, 0, -1):
                if (newer := self._path(age - 1)).exists():
                    newer.replace(self._path(age))

    def growths(self) -> dict[int, float]:
        """Map the step of each readable checkpoint to its :attr:`LoadedCheckpoint.growth`, newest first."""
        growths = dict[int, float]()
        for path in self.paths():
            try:
                loaded = LoadedCheckpoint(path, *load_checkpoint(path))
                growths[loaded.step] = loaded.growth
            except (TrainingError, LookupError):  # checkpoints of earlier versions do not hold the norm
                continue
        return growths


def newest_healthy(growths: Mapping[int, float]) -> int | None:
    """Return the step of the newest healthy checkpoint, or None; ``growths`` is from :meth:`Checkpoints.growths`."""
    limit = min(HEALTHY_GROWTH, HEALTHY_DIFFERENCE * min(growths.values(), default=0.0))
    return next((step for step, growth in growths.items() if growth <= limit), None)
