"""What a run's folder tells, read once."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from avgdt.evaluation.results import Result, read_folder
from avgdt.recipes.config import read_yaml
from avgdt.recipes.recipe import Recipe
from avgdt.report.errors import ReportError
from avgdt.training.metrics import Metrics, read_metrics
from avgdt.training.provenance import read_sessions


@dataclass(frozen=True)
class RunFolder:
    """A run as its folder tells it."""

    path: Path
    """The folder."""
    recipe: Recipe
    """What the run is."""
    train: Sequence[Metrics]
    """One line per step."""
    heldout: Sequence[Metrics]
    """One line per look at the held-out recordings."""
    results: Sequence[Result]
    """What was evaluated."""
    left_out: Sequence[tuple[str, str]]
    """(path, reason) of the recordings that were not used."""

    sittings: Sequence[dict[str, Any]]
    """When and on which machine it was learnt."""

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @property
    def seconds(self) -> float:
        """Time spent learning; the clock of ``metrics.jsonl`` starts anew with each resume."""
        clock = [line["seconds"] for line in self.train]
        ends = [now for now, after in pairwise(clock) if after < now]
        return float(sum(ends) + clock[-1])

    @property
    def machines(self) -> list[str]:
        """What it was learnt on, each machine and arithmetic once."""
        told = (sitting["machine"] for sitting in self.sittings)
        return list(dict.fromkeys(f"{machine['device']}, {machine['precision']}" for machine in told))

    @property
    def finished(self) -> bool:
        """Whether all epochs of the recipe were done."""
        return float(self.train[-1]["epoch"]) >= self.recipe.schedule.epochs


def read_recipe(path: Path) -> Recipe:
    """The recipe of the run in the folder ``path``; raise :class:`ReportError` where it is no run."""
    if not path.is_dir():
        raise ReportError(f"{path}: no such run; name the folder that `avgdt pretrain --out` wrote")
    if not (path / "config.yaml").is_file():
        raise ReportError(f"{path}: no config.yaml here, so no run; name the folder that `avgdt pretrain --out` wrote")
    return read_yaml(path / "config.yaml")


def read_run(path: Path) -> RunFolder:
    """Read the folder ``path``; raise :class:`ReportError` where it is no run or has not learnt yet."""
    recipe = read_recipe(path)
    metrics = read_metrics(path / "metrics.jsonl")
    try:
        sittings = read_sessions(path)
    except ValueError as error:
        raise ReportError(f"{path / 'sessions.jsonl'}: not JSON lines ({error}); restore it") from None
    train = [line for line in metrics if line.get("kind") == "train"]
    if not train:
        raise ReportError(f"{path / 'metrics.jsonl'}: no metrics; let the run make a step first")
    heldout = [line for line in metrics if line.get("kind") == "heldout"]
    return RunFolder(path, recipe, train, heldout, read_folder(path), _left_out(path / "skipped.csv"), sittings)


def _left_out(path: Path) -> list[tuple[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        return [(row.get("path") or "", row.get("reason") or "") for row in csv.DictReader(file)]
