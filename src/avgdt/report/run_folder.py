"""The files of a run folder from which a report is made."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from avgdt.evaluation.results import Result, examples_path, read_folder
from avgdt.files import read_json_lines
from avgdt.recipes.config import read_yaml
from avgdt.recipes.recipe import Recipe
from avgdt.report.errors import ReportError

Metrics = dict[str, Any]
"""One line of ``metrics.jsonl``."""


@dataclass(frozen=True)
class RunFolder:
    """The contents of the folder of a run."""

    path: Path
    """Folder of the run."""
    recipe: Recipe
    """Recipe in ``config.yaml``."""
    train: Sequence[Metrics]
    """Training metrics, one entry per ``run.log_every`` steps."""
    heldout: Sequence[Metrics]
    """Metrics of the held-out recordings, one entry per measurement."""
    results: Sequence[Result] = ()
    """Results of evaluations, sorted by protocol, and from newest to oldest within each protocol."""
    skipped: Sequence[tuple[str, str]] = ()
    """Path of each skipped recording, and the reason."""
    sessions: Sequence[Mapping[str, Any]] = ()
    """Time and machine of each training session; every resumption starts a new session."""
    examples: Mapping[str, Any] | None = None
    """Contents of ``results/examples.json``; None if the file is missing."""

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        return self.path.resolve().name

    @property
    def seconds(self) -> float:
        """Training time of all sessions, in seconds.

        The field ``seconds`` of ``metrics.jsonl`` restarts from 0 whenever the run is resumed.
        """
        clock = [line["seconds"] for line in self.train]
        ends = [now for now, after in pairwise(clock) if after < now]
        return float(sum(ends) + clock[-1])

    @property
    def machines(self) -> list[str]:
        """Distinct pairs of device and precision with which the run was trained, as text."""
        machines = (session["machine"] for session in self.sessions)
        return list(dict.fromkeys(f"{machine['device']}, {machine['precision']}" for machine in machines))

    @property
    def finished(self) -> bool:
        """Whether all epochs of the recipe are complete."""
        return float(self.train[-1]["epoch"]) >= self.recipe.schedule.epochs


def read_recipe(path: Path) -> Recipe:
    """Read the recipe of the run in the folder ``path``.

    Raises :class:`ReportError` if the folder is not a run.
    """
    if not path.is_dir():
        raise ReportError(f"{path}: no such run; name the folder that `avgdt pretrain --out` wrote")
    if not (path / "config.yaml").is_file():
        raise ReportError(
            f"{path}: not a run, since it has no config.yaml; name the folder that `avgdt pretrain --out` wrote"
        )
    return read_yaml(path / "config.yaml")


def read_run(path: Path) -> RunFolder:
    """Read the folder of a run.

    Raises :class:`ReportError` if the folder is not a run or has no training metrics yet.
    """
    recipe = read_recipe(path)
    metrics = read_json_lines(path / "metrics.jsonl", ("kind", "step"))
    train = [line for line in metrics if line["kind"] == "train"]
    if not train:
        raise ReportError(f"{path / 'metrics.jsonl'}: no training metrics; train the run for at least one step first")
    return RunFolder(
        path,
        recipe,
        train,
        [line for line in metrics if line["kind"] == "heldout"],
        read_folder(path),
        _skipped(path / "skipped.csv"),
        read_json_lines(path / "sessions.jsonl", ("machine",)),
        _examples(examples_path(path)),
    )


def _examples(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    try:
        examples = json.loads(path.read_bytes())
        if "networks" not in examples:
            raise ValueError("the field networks is missing")
    except ValueError as error:
        raise ReportError(f"{path}: damaged ({error}); delete it and run `avgdt report` to write it again") from None
    return dict(examples)


def _skipped(path: Path) -> list[tuple[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        return [(row.get("path") or "", row.get("reason") or "") for row in csv.DictReader(file)]
