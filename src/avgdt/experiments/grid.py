"""Grid of recipes: each cell is pretrained and evaluated with several seeds, and each run can be resumed separately."""

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
    """Cell of a grid: a recipe, and the factor levels that distinguish it from other cells."""

    levels: tuple[tuple[str, str], ...]
    """Pairs of factor and level, such as ("jitter", "on"), in the order of the grid's factors."""
    recipe: Recipe

    @property
    def name(self) -> str:
        """Name of the cell for use in file names, composed of its levels."""
        return "-".join(f"{factor}-{level}" for factor, level in self.levels).replace(" ", "-")


@dataclass(frozen=True)
class Measure:
    """Metric by which pretrained networks are evaluated, such as the accuracy of a linear probe."""

    name: str
    protocol: Protocol
    """Evaluation protocol, whose seed is replaced by the seed of the run."""
    read: Callable[[Mapping[str, Any]], float]
    """Function that extracts the metric, from 0 to 1, from the result entry of one model."""


@dataclass(frozen=True)
class CellRun:
    """Training run of one cell with one seed."""

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
        """File with the recipe of the run and, once the run is complete, its results."""
        return self.out / "cells" / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """File with the output of the run's process."""
        return self.out / "cells" / f"{self.name}.log"


CellResults = dict[str, dict[str, float]]
"""Results of a run by measure, each {"pretrained": value, "random": value} with values from 0 to 1."""


@dataclass(frozen=True)
class Grid:
    """Experiment on a grid: cells, seeds, data and measures."""

    cells: tuple[GridCell, ...]
    seeds: tuple[int, ...]
    data: Path
    out: Path
    measures: tuple[Measure, ...]
    monitors: Callable[[CellRun], Monitors] = lambda job: monitors
    """Function that returns the training monitors of a job; by default, held-out retrieval is measured."""
    settings: str = ""
    """Further settings that affect the results, as text."""

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ExperimentError(
                f"--seeds: {' '.join(map(str, self.seeds)) or 'none'}; use one or more distinct seeds"
            )
        if len({cell.name for cell in self.cells}) < len(self.cells):
            raise ExperimentError("two cells of the grid have the same name; change the recipe")

    @property
    def jobs(self) -> list[CellRun]:
        """Runs of all cells with all seeds, ordered by seed, so that an unfinished grid is balanced over the cells."""
        return [CellRun(cell, seed, self.out) for seed, cell in product(self.seeds, self.cells)]

    def job(self, index: int) -> CellRun:
        """Return the job with ``index`` (from 0); raise :class:`ExperimentError` if the index is out of range."""
        if not 0 <= index < len(self.jobs):
            raise ExperimentError(f"--cell {index}: the grid has {len(self.jobs)} cells; use 0 to {len(self.jobs) - 1}")
        return self.jobs[index]

    def results(self, job: CellRun) -> CellResults | None:
        """Return the results of a job; None if the job is not complete.

        Raises :class:`ExperimentError` if the job's record is damaged, or if it was written for another recipe, another
        data set or other settings.
        """
        if not job.record.exists():
            return None
        try:
            record = json.loads(job.record.read_text(encoding="utf-8"))
            before: Recipe = from_plain(Recipe, record["recipe"])
            data, protocols, results = record["data"], record["protocols"], record["metrics"]
            settings = str(record["settings"])
        except (ValueError, KeyError, TypeError) as error:
            raise ExperimentError(f"{job.record}: is damaged ({error}); delete it and repeat the command") from None
        check_same(before, self._recipe(job), self.out)
        if settings != self.settings:
            raise ExperimentError(
                f"{self.out}: contains an experiment with {settings or 'other settings'}; use another --out"
            )
        if data != str(self.data.resolve()):
            raise ExperimentError(f"{job.record}: contains results on {data}; use another --out for {self.data}")
        return results if protocols == self._protocols(job) else None

    def run(
        self, job: CellRun, on_message: Callable[[str], None], on_metrics: Callable[[Metrics], None]
    ) -> CellResults:
        """Pretrain and evaluate one job, or resume it if it was interrupted; return its results."""
        if (before := self.results(job)) is not None:
            return before
        recipe = self._recipe(job)
        self._write(job, None)
        train(recipe, self.data, job.run, self.monitors(job), on_metrics, on_message)
        results = CellResults()
        for measure in self.measures:
            protocol = _seeded(measure.protocol, job.seed)
            result = stored_result(protocol, job.run, self.data, job.run, recipe.run.device)
            if result is None:
                result, _ = evaluate(protocol, job.run, self.data, job.run, recipe.run.device)
            results[measure.name] = {source: measure.read(result[source]) for source in ("pretrained", "random")}
        self._write(job, results)
        return results

    def by_seed(self, cell: GridCell, measure: str, source: str = "pretrained") -> dict[int, float]:
        """Return the values of a measure in a cell by seed, for complete jobs only."""
        jobs = [CellRun(cell, seed, self.out) for seed in self.seeds]
        return {job.seed: results[measure][source] for job in jobs if (results := self.results(job)) is not None}

    def mean(self, cell: GridCell, measure: str, source: str = "pretrained") -> Mean | None:
        """Return the mean of a measure in a cell over the complete seeds; None if there are none."""
        values = list(self.by_seed(cell, measure, source).values())
        return mean_interval(values) if values else None

    def _recipe(self, job: CellRun) -> Recipe:
        recipe = job.cell.recipe
        return with_store(replace(recipe, run=replace(recipe.run, seed=job.seed)), self.out)

    def _protocols(self, job: CellRun) -> list[Any]:
        return [[measure.name, to_plain(_seeded(measure.protocol, job.seed))] for measure in self.measures]

    def _write(self, job: CellRun, results: CellResults | None) -> None:
        record = {
            "recipe": to_plain(self._recipe(job)),
            "data": str(self.data.resolve()),
            "protocols": self._protocols(job),
            "settings": self.settings,
            "metrics": results,
        }
        text = json.dumps(record, indent=1, allow_nan=False).encode()
        write_atomically(job.record, lambda file: file.write(text), remedy="free some disk space and try again")


def probe_and_retrieval(label: str) -> tuple[Measure, ...]:
    """Return measures on the test split: the accuracy of a linear probe on video features, and cross-modal retrieval.

    Retrieval is recall at 1 and at 10 with one clip per recording, averaged over both directions. ``label`` is the
    label column of the manifest; if it is empty, the probe is omitted.
    """
    retrieval = Retrieval(clips=1)
    recall = tuple(Measure(f"R@{k}", retrieval, partial(_recall, k)) for k in (1, 10))
    return (Measure("accuracy", Linear(label=label), _accuracy), *recall) if label else recall


def _accuracy(result: Mapping[str, Any]) -> float:
    return float(result["accuracy"])


def _recall(k: int, result: Mapping[str, Any]) -> float:
    """Return the recall at ``k``, averaged over both retrieval directions."""
    return (result["video_to_audio"][f"r{k}"] + result["audio_to_video"][f"r{k}"]) / 2


def _seeded(protocol: Any, seed: int) -> Any:
    return replace(protocol, seed=seed)
