"""A grid of recipes: each cell is pretrained and evaluated with several seeds, and can be resumed separately."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from avgdt.evaluation.evaluate import Protocol, evaluate, stored_result
from avgdt.evaluation.held_out import monitors
from avgdt.evaluation.protocols.probe import Linear
from avgdt.evaluation.protocols.retrieval import Retrieval
from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.runs import Monitors, check_same, train, with_store
from avgdt.experiments.statistics import Mean, mean_interval
from avgdt.files import write_atomically
from avgdt.recipes.config import from_plain, to_plain
from avgdt.recipes.recipe import Recipe
from avgdt.training.loop import Metrics


@dataclass(frozen=True)
class GridCell:
    """A cell of a grid: a recipe, with the levels that distinguish it."""

    levels: tuple[tuple[str, str], ...]
    """Pairs of factor and level, such as ("jitter", "on"), in the order of the grid's factors."""
    recipe: Recipe

    @property
    def name(self) -> str:
        """Levels of the cell, joined into a name for folders."""
        return "-".join(f"{factor}-{level}" for factor, level in self.levels).replace(" ", "-")


@dataclass(frozen=True)
class Measure:
    """A measure by which pretrained networks are judged, such as the accuracy of a linear probe."""

    name: str
    protocol: Protocol
    """Evaluation protocol; its seed is replaced by the seed of the run."""
    read: Callable[[Mapping[str, Any]], float]
    """Function that reads the measure, a share of 0 to 1, from the part of a result for one network."""


@dataclass(frozen=True)
class CellRun:
    """A run of one cell with one seed."""

    cell: GridCell
    seed: int
    out: Path
    """Folder of the grid."""

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        return f"{self.cell.name}-seed-{self.seed}"

    @property
    def run(self) -> Path:
        """Folder of the run."""
        return self.out / "runs" / self.name

    @property
    def record(self) -> Path:
        """File of the run's recipe and, when the run is complete, its figures."""
        return self.out / "cells" / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """File of the output of the run's process."""
        return self.out / "cells" / f"{self.name}.log"


CellFigures = dict[str, dict[str, float]]
"""Figures of a run by measure, each {"pretrained": share, "random": share}."""


@dataclass(frozen=True)
class Grid:
    """The cells, seeds, data and measures of an experiment."""

    cells: tuple[GridCell, ...]
    seeds: tuple[int, ...]
    data: Path
    out: Path
    measures: tuple[Measure, ...]
    monitors: Callable[[CellRun], Monitors] = lambda job: monitors
    """Function that returns the monitors of a job's training; by default, these measure held-out retrieval."""
    settings: str = ""
    """Further settings that determine the results, as text."""

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ExperimentError(
                f"--seeds: {' '.join(map(str, self.seeds)) or 'none'}; use distinct seeds, at least one"
            )
        if len({cell.name for cell in self.cells}) < len(self.cells):
            raise ExperimentError("two cells of the grid have the same name; change the recipe")

    @property
    def jobs(self) -> list[CellRun]:
        """Runs of every cell with every seed; all cells of a seed come first, so that unfinished grids are balanced."""
        return [CellRun(cell, seed, self.out) for seed, cell in product(self.seeds, self.cells)]

    def job(self, index: int) -> CellRun:
        """Return a job by its index, from 0; raise :class:`ExperimentError` if the index is out of range."""
        if not 0 <= index < len(self.jobs):
            raise ExperimentError(f"--cell {index}: the grid has {len(self.jobs)} cells; use 0 to {len(self.jobs) - 1}")
        return self.jobs[index]

    def figures(self, job: CellRun) -> CellFigures | None:
        """Return the figures of a job; None if the job is not complete.

        Raises :class:`ExperimentError` if the job's record is damaged, or is that of another recipe, data set or
        settings.
        """
        if not job.record.exists():
            return None
        try:
            record = json.loads(job.record.read_text(encoding="utf-8"))
            before: Recipe = from_plain(Recipe, record["recipe"])
            data, protocols, figures = record["data"], record["protocols"], record["figures"]
            settings = str(record["settings"])
        except (ValueError, KeyError, TypeError) as error:
            raise ExperimentError(f"{job.record}: is damaged ({error}); delete it and repeat the command") from None
        check_same(before, self._recipe(job), self.out)
        if settings != self.settings:
            raise ExperimentError(f"{self.out}: was run with {settings or 'other settings'}; use another --out")
        if data != str(self.data.resolve()):
            raise ExperimentError(f"{job.record}: was run on {data}; use another --out for {self.data}")
        return figures if protocols == self._protocols(job) else None

    def run(
        self, job: CellRun, on_message: Callable[[str], None], on_metrics: Callable[[Metrics], None]
    ) -> CellFigures:
        """Pretrain and evaluate one job, resuming it if it was interrupted, and return its figures."""
        if (before := self.figures(job)) is not None:
            return before
        recipe = self._recipe(job)
        self._write(job, None)
        train(recipe, self.data, job.run, self.monitors(job), on_metrics, on_message)
        figures = CellFigures()
        for measure in self.measures:
            protocol = _seeded(measure.protocol, job.seed)
            result = stored_result(protocol, job.run, self.data, job.run, recipe.run.device)
            if result is None:
                result, _ = evaluate(protocol, job.run, self.data, job.run, recipe.run.device)
            figures[measure.name] = {source: measure.read(result[source]) for source in ("pretrained", "random")}
        self._write(job, figures)
        return figures

    def by_seed(self, cell: GridCell, measure: str, source: str = "pretrained") -> dict[int, float]:
        """Return a figure of a cell by seed, from the jobs that are complete."""
        jobs = [CellRun(cell, seed, self.out) for seed in self.seeds]
        return {job.seed: figures[measure][source] for job in jobs if (figures := self.figures(job)) is not None}

    def mean(self, cell: GridCell, measure: str, source: str = "pretrained") -> Mean | None:
        """Return the mean of a figure over the seeds that are complete; None if no seed is complete."""
        values = list(self.by_seed(cell, measure, source).values())
        return mean_interval(values) if values else None

    def _recipe(self, job: CellRun) -> Recipe:
        recipe = job.cell.recipe
        return with_store(replace(recipe, run=replace(recipe.run, seed=job.seed)), self.out)

    def _protocols(self, job: CellRun) -> list[Any]:
        return [[measure.name, to_plain(_seeded(measure.protocol, job.seed))] for measure in self.measures]

    def _write(self, job: CellRun, figures: CellFigures | None) -> None:
        record = {
            "recipe": to_plain(self._recipe(job)),
            "data": str(self.data.resolve()),
            "protocols": self._protocols(job),
            "settings": self.settings,
            "figures": figures,
        }
        text = json.dumps(record, indent=1, allow_nan=False).encode()
        write_atomically(job.record, lambda file: file.write(text), remedy="free some space and try again")


def probe_and_retrieval(label: str) -> tuple[Measure, ...]:
    """Return the measures of a linear probe on video features and of cross-modal retrieval, on the test split.

    Retrieval is measured as recall at 1 and at 10 of one clip per recording. Without ``label`` (a column of the
    manifest), the probe is omitted.
    """
    retrieval = Retrieval(clips=1)
    recall = tuple(Measure(f"R@{k}", retrieval, partial(_recall, k)) for k in (1, 10))
    return (Measure("accuracy", Linear(label=label), _accuracy), *recall) if label else recall


def _accuracy(result: Mapping[str, Any]) -> float:
    return float(result["accuracy"])


def _recall(k: int, result: Mapping[str, Any]) -> float:
    """Return the recall at ``k``, averaged over both directions between video and audio."""
    return (result["video_to_audio"][f"r{k}"] + result["audio_to_video"][f"r{k}"]) / 2


def _seeded(protocol: Any, seed: int) -> Any:
    return replace(protocol, seed=seed)
