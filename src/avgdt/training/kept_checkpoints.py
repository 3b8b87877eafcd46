"""The newest few checkpoints of a run: an older one is taken where the newest is damaged or the training diverged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avgdt.recipes.recipe import Recipe
from avgdt.training.checkpoints import load_checkpoint, save_checkpoint
from avgdt.training.errors import DamagedCheckpoint, TrainingError

HEALTHY_GROWTH = 10.0
"""Weights whose norm is more than this many times that of the start are about to diverge."""
HEALTHY_DIFFERENCE = 2.0
"""And so are those whose norm is more than this many times that of another of the newest checkpoints."""


@dataclass(frozen=True)
class Loaded:
    """A checkpoint that was read."""

    path: Path
    state: dict[str, Any]
    recipe: Recipe
    recordings: Sequence[str]
    """Identities of the recordings, in order."""

    @property
    def step(self) -> int:
        """Steps that were done."""
        return int(self.state["step"])

    @property
    def growth(self) -> float:
        """Norm of the weights, as a multiple of that at the start of the run."""
        return float(self.state["norm"]) / float(self.state["norm_at_start"])


class Checkpoints:
    """The checkpoints of a run: ``last.pt``, the one before it ``last-1.pt``, and so on."""

    def __init__(self, run: Path, kept: int = 1) -> None:
        """Those of the run in the folder ``run``, of which the ``kept`` newest are kept."""
        self._run, self._kept = run, kept
        self._superseded: list[Path] = []
        """Newer than the one from which the run goes on."""

    def _path(self, age: int) -> Path:
        return self._run / "checkpoints" / (f"last-{age}.pt" if age else "last.pt")

    def paths(self) -> list[Path]:
        """The files, the newest first."""
        numbers = (path.stem.removeprefix("last-") for path in self._path(0).parent.glob("last-*.pt"))
        ages = sorted(int(number) for number in numbers if number.isdecimal())
        return [path for age in (0, *ages) if (path := self._path(age)).exists()]

    def load(self, step: int | None = None, said: Callable[[str], None] = lambda line: None) -> Loaded:
        """The newest that can be read, or the one of ``step``; ``said`` is told of each that was skipped as damaged.

        Raises :class:`TrainingError` where there is none.
        """
        paths, damaged, steps = self.paths(), list[DamagedCheckpoint](), list[int]()
        for place, path in enumerate(paths):
            try:
                found = Loaded(path, *load_checkpoint(path))
                steps.append(found.step)
            except DamagedCheckpoint as error:
                damaged.append(error)
                continue
            if step in (None, found.step):
                for bad in damaged:
                    said(f"{bad.reason}; skipped: the run goes on from {path.name}, step {found.step}")
                self._superseded = paths[:place]
                return found
        if steps:
            told = ", ".join(map(str, steps))
            raise TrainingError(f"--step: {self._run} has no checkpoint of step {step}; use one of {told}")
        if damaged:
            more = f" (and the {len(damaged) - 1} before it cannot be used either)" if len(damaged) > 1 else ""
            raise DamagedCheckpoint(f"{damaged[0].reason}{more}")
        raise TrainingError(f"{self._path(0)}: no such checkpoint; start the run without --resume")

    def save(self, state: dict[str, Any], recipe: Recipe, recordings: list[str]) -> None:
        """Write the newest, as :func:`avgdt.training.checkpoints.save_checkpoint`; the oldest are deleted."""
        save_checkpoint(self._path(0), state, recipe, recordings, self._make_room)
        for path in self.paths()[self._kept :]:
            path.unlink()

    def drop_superseded(self) -> None:
        """Delete the checkpoints newer than the loaded one, which the resumed run replaces."""
        for path in self._superseded:
            path.unlink(missing_ok=True)
        self._superseded = []

    def _make_room(self) -> None:
        """Make each the one before it."""
        self.drop_superseded()
        if self._path(0).exists():
            for age in range(self._kept - 1, 0, -1):
                if (newer := self._path(age - 1)).exists():
                    newer.replace(self._path(age))

    def growths(self) -> dict[int, float]:
        """Growth of the weights of each that can be read, by step, the newest first."""
        found = dict[int, float]()
        for path in self.paths():
            try:
                loaded = Loaded(path, *load_checkpoint(path))
                found[loaded.step] = loaded.growth
            except (TrainingError, LookupError):  # an earlier version did not write the norm
                continue
        return found


def newest_healthy(growths: Mapping[int, float]) -> int | None:
    """The step of the newest checkpoint from which a run that has diverged may go on; None where there is none.

    ``growths`` are those of :meth:`Checkpoints.growths`.
    """
    most = min(HEALTHY_GROWTH, HEALTHY_DIFFERENCE * min(growths.values(), default=0.0))
    return next((step for step, growth in growths.items() if growth <= most), None)
