"""Groups of runs that differ only in the seed, and their metrics with standard deviations over seeds, folds or
splits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Literal

from avgdt.evaluation.results import Result, at, read_folder
from avgdt.recipes.recipe import Recipe
from avgdt.report.errors import ReportError
from avgdt.report.formatting import printable
from avgdt.report.published import Column
from avgdt.report.run_folder import read_recipe
from avgdt.report.tables import main_row

DASH = "–"
OTHER_OPTIONS = {"seed", "scratch", "finetune", "frozen", "training_epochs", "training_lr", "shots"}
"""Options of an evaluation that may differ between the runs of a group."""
Source = Literal["pretrained", "random"]
_SEED = re.compile(r"[-_.]*(seed|s)?[-_.=]*\d+$")


@dataclass(frozen=True)
class EvaluatedRun:
    """A run and the results of its evaluations."""

    path: Path
    recipe: Recipe
    results: Mapping[str, Sequence[Result]]
    """Mapping from protocol to results, newest first."""

    @property
    def seed(self) -> int:
        """Random seed in the run's recipe."""
        return self.recipe.run.seed

    @property
    def stem(self) -> str:
        """Name of the run's folder without a trailing seed."""
        name = self.path.resolve().name
        return _SEED.sub("", name) or name


@dataclass(frozen=True)
class Group:
    """One or more runs that differ only in the seed."""

    name: str
    runs: tuple[EvaluatedRun, ...]


@dataclass(frozen=True)
class Cell:
    """One cell of a table, as text."""

    text: str = DASH
    over: str = ""
    """Repetitions over which the standard deviation is computed, such as "3 seeds"; empty if there is none."""
    remarks: tuple[str, ...] = ()
    """Differences between this evaluation and the paper's evaluation."""


def read_groups(paths: Sequence[Path]) -> tuple[Group, ...]:
    """Read the run folders and group runs with the same name and with recipes that differ only in the seed.

    Groups are in the order of ``paths``. Raises :class:`ReportError` if a folder is not a run or has no results, or if
    two runs of a group have the same seed.
    """
    groups: dict[tuple[str, Recipe], list[EvaluatedRun]] = {}
    for path in paths:
        run = _read(path)
        same = groups.setdefault((run.stem, replace(run.recipe, run=replace(run.recipe.run, seed=0))), [])
        for other in same:
            if other.seed == run.seed:
                raise ReportError(f"{path}: has the same recipe and seed as {other.path}; name only one of the two")
        same.append(run)
    stems = [stem for stem, _ in groups]
    return tuple(Group(_name(stem, runs, stems.count(stem) == 1), tuple(runs)) for (stem, _), runs in groups.items())


def cell(column: Column, group: Group, source: Source) -> Cell:
    """Return the value of ``column`` as a percentage, or a dash if no run of the group has one.

    For several seeds, the cell shows their mean and standard deviation; for one seed, the standard deviation over its
    folds or splits. Random weights with the same seed are counted once. Raises :class:`ReportError` if runs were
    evaluated with different options.
    """
    results = [(run, result) for run in group.runs if (result := _result(column, run, source)) is not None]
    _check_same_options(column, results)
    values: dict[Any, _Value] = {}
    for run, result in results:
        seed = run.seed if source == "pretrained" else result["options"].get("seed")
        values.setdefault(seed, _value(column, result, source))
    remarks = tuple(dict.fromkeys(remark for _, result in results for remark in _remarks(column, result)))
    if len(data := dict.fromkeys(str(Path(result.get("data", "")).resolve()) for _, result in results)) > 1:
        remarks += (f"{column.name}: evaluated on different data ({', '.join(data)})",)
    if not values:
        return Cell()
    if len(values) > 1:
        numbers = [entry.value for entry in values.values()]
        return _cell(mean(numbers), stdev(numbers), f"{len(numbers)} seeds", remarks)
    (entry,) = values.values()
    if entry.std is None:
        return Cell(_percent(entry.value), remarks=remarks)
    return _cell(entry.value, entry.std, entry.over, remarks)


def _read(path: Path) -> EvaluatedRun:
    recipe = read_recipe(path)
    by_protocol: dict[str, list[Result]] = {}
    results = read_folder(path)
    of_run = [result for result in results if Path(result.get("weights", "")).resolve().is_relative_to(path.resolve())]
    for result in of_run or results:  # if the folder was moved, no result contains its path
        by_protocol.setdefault(str(result["protocol"]), []).append(result)
    if not by_protocol:
        raise ReportError(f"{path}: no results yet; run: avgdt evaluate PROTOCOL --weights {path} --data PATH")
    return EvaluatedRun(path, recipe, by_protocol)


def _name(stem: str, runs: Sequence[EvaluatedRun], unique: bool) -> str:
    """Return the common stem of several runs if no other recipe has the same stem, else the names of all runs."""
    names = [run.path.resolve().name for run in runs]
    return printable(stem if len(runs) > 1 and unique else ", ".join(names))


@dataclass(frozen=True)
class _Value:
    value: float
    std: float | None
    over: str


def _result(column: Column, run: EvaluatedRun, source: Source) -> Result | None:
    """Return the newest result that covers all parts (folds or splits) and contains the metric, or None."""
    for result in run.results.get(column.protocol, ()):
        parts = column.parts and result["options"].get(column.parts[0])
        complete = column.parts is None or parts is None or sorted(parts) == list(column.parts[1])
        if complete and column.metric in _row(column, result, source):
            return result
    return None


def _row(column: Column, result: Result, source: Source) -> Mapping[str, Any]:
    path = (column.row,) if column.row else main_row(result)
    row = None if path is None else at(result[source], path)
    return row if isinstance(row, Mapping) else {}


def _remarks(column: Column, result: Result) -> list[str]:
    """Return the differences between the evaluation of ``result`` and the paper's evaluation, as text."""
    options = result["options"]
    skipped = len(result.get("skipped", ()))
    sizes = {part: (result["sizes"][part], complete) for part, complete in column.sizes.items()}
    remarks = [
        *_differences(options, column.options),
        *_differences(result.get("training_input", {}), column.input),
        *(f"with {size} of {complete} {part}" for part, (size, complete) in sizes.items() if size < complete),
        *([f"without {skipped} of its recordings"] if skipped else []),
    ]
    return [f"{column.name} {remark}" for remark in remarks]


def _differences(values: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Return remarks on values that differ from the expected values; missing values are ignored."""
    return [
        f"with a different {name} from that in the paper"
        if isinstance(value, Mapping | list)
        else f"with {name} {values[name]}, not {value}"
        for name, value in expected.items()
        if values.get(name, value) != value
    ]


def _value(column: Column, result: Result, source: Source) -> _Value:
    row = _row(column, result, source)
    parts, name = row.get("folds", ()), column.parts[0] if column.parts else "folds"
    std = row.get(f"{column.metric}_std", _std(parts, column.metric))
    return _Value(float(row[column.metric]), std, f"{len(parts)} {name}" if parts else name)


def _std(parts: Sequence[Mapping[str, Any]], metric: str) -> float | None:
    values = [float(part[metric]) for part in parts if metric in part]
    return stdev(values) if len(values) > 1 else None


def _check_same_options(column: Column, results: Sequence[tuple[EvaluatedRun, Result]]) -> None:
    first: dict[str, Any] | None = None
    for run, result in results:
        options = {name: value for name, value in result["options"].items() if name not in OTHER_OPTIONS}
        if first is not None and options != first:
            name = next(name for name in {**first, **options} if first.get(name) != options.get(name))
            raise ReportError(
                f"{run.path}: {column.protocol} was evaluated with {name} {options.get(name)}, but the other seeds "
                f"with {first.get(name)}; evaluate all seeds with the same options"
            )
        first = options


def _cell(value: float, std: float, over: str, remarks: tuple[str, ...]) -> Cell:
    return Cell(f"{_percent(value)} ± {_percent(std)}", over, remarks)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"
