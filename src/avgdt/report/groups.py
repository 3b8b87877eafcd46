"""Runs that differ only in the seed, and their figures with the standard deviation over seeds, folds or splits."""

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
"""Options that add rows to a result and change no figure of a table."""
Source = Literal["pretrained", "random"]
_SEED = re.compile(r"[-_.]*(seed|s)?[-_.=]*\d+$")


@dataclass(frozen=True)
class EvaluatedRun:
    """One run and its results."""

    path: Path
    recipe: Recipe
    results: Mapping[str, Sequence[Result]]
    """Protocol -> its results, the newest first."""

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.recipe.run.seed

    @property
    def stem(self) -> str:
        """The folder's name without a seed at its end."""
        name = self.path.resolve().name
        return _SEED.sub("", name) or name


@dataclass(frozen=True)
class Group:
    """One or more runs of one recipe with different seeds."""

    name: str
    runs: tuple[EvaluatedRun, ...]


@dataclass(frozen=True)
class Cell:
    """A figure as text."""

    text: str = DASH
    over: str = ""
    """What its standard deviation is over, such as "3 seeds"; empty for none."""
    remarks: tuple[str, ...] = ()
    """How the evaluation differs from the paper's."""


def read_groups(paths: Sequence[Path]) -> tuple[Group, ...]:
    """Read the run folders, in their order, and group runs with the same name and recipe apart from the seed.

    Raises :class:`ReportError` for a folder that is not a run, has no results, or repeats the seed of another.
    """
    groups: dict[tuple[str, Recipe], list[EvaluatedRun]] = {}
    for path in paths:
        run = _read(path)
        same = groups.setdefault((run.stem, replace(run.recipe, run=replace(run.recipe.run, seed=0))), [])
        for other in same:
            if other.seed == run.seed:
                raise ReportError(f"{path}: the same recipe and seed as {other.path}; name only one of the two")
        same.append(run)
    stems = [stem for stem, _ in groups]
    return tuple(Group(_name(stem, runs, stems.count(stem) == 1), tuple(runs)) for (stem, _), runs in groups.items())


def cell(column: Column, group: Group, source: Source) -> Cell:
    """The figure of ``column`` in per cent; a dash where no run of the group has it.

    Several seeds give their mean and standard deviation, one seed the standard deviation over its folds or splits.
    Random weights of one seed count once. Raises :class:`ReportError` where seeds were evaluated with different
    options.
    """
    results = [(run, result) for run in group.runs if (result := _result(column, run, source)) is not None]
    _check_same_options(column, results)
    figures: dict[Any, _Figure] = {}
    for run, result in results:
        seed = run.seed if source == "pretrained" else result["options"].get("seed")
        figures.setdefault(seed, _figure(column, result, source))
    remarks = tuple(dict.fromkeys(remark for _, result in results for remark in _remarks(column, result)))
    if len(data := dict.fromkeys(str(Path(result.get("data", "")).resolve()) for _, result in results)) > 1:
        remarks += (f"{column.name} with different data ({', '.join(data)})",)
    if not figures:
        return Cell()
    if len(figures) > 1:
        values = [figure.value for figure in figures.values()]
        return _cell(mean(values), stdev(values), f"{len(values)} seeds", remarks)
    (figure,) = figures.values()
    if figure.std is None:
        return Cell(_percent(figure.value), remarks=remarks)
    return _cell(figure.value, figure.std, figure.over, remarks)


def _read(path: Path) -> EvaluatedRun:
    recipe = read_recipe(path)
    by_protocol: dict[str, list[Result]] = {}
    results = read_folder(path)
    of_run = [result for result in results if Path(result.get("weights", "")).resolve().is_relative_to(path.resolve())]
    for result in of_run or results:  # results of other weights only if none is of the run's, as in a moved folder
        by_protocol.setdefault(str(result["protocol"]), []).append(result)
    if not by_protocol:
        raise ReportError(f"{path}: no results yet; run: avgdt evaluate PROTOCOL --weights {path} --data PATH")
    return EvaluatedRun(path, recipe, by_protocol)


def _name(stem: str, runs: Sequence[EvaluatedRun], unique: bool) -> str:
    """The common stem of several seeds; the names of all runs where another recipe has the same stem."""
    names = [run.path.resolve().name for run in runs]
    return printable(stem if len(runs) > 1 and unique else ", ".join(names))


@dataclass(frozen=True)
class _Figure:
    value: float
    std: float | None
    over: str


def _result(column: Column, run: EvaluatedRun, source: Source) -> Result | None:
    """The newest result of all parts (folds or splits) that holds the figure."""
    for result in run.results.get(column.protocol, ()):
        parts = column.parts and result["options"].get(column.parts[0])
        complete = column.parts is None or parts is None or sorted(parts) == list(column.parts[1])
        if complete and column.figure in _row(column, result, source):
            return result
    return None


def _row(column: Column, result: Result, source: Source) -> Mapping[str, Any]:
    path = (column.row,) if column.row else main_row(result)
    row = None if path is None else at(result[source], path)
    return row if isinstance(row, Mapping) else {}


def _remarks(column: Column, result: Result) -> list[str]:
    """How the evaluation of a result differs from the paper's, as text."""
    options = result["options"]
    skipped = len(result.get("skipped", ()))
    sizes = {part: (result["sizes"][part], whole) for part, whole in column.sizes.items()}
    remarks = [
        *_differences(options, column.options),
        *_differences(result.get("training_input", {}), column.input),
        *(f"with {size} of {whole} {part}" for part, (size, whole) in sizes.items() if size < whole),
        *([f"without {skipped} of its recordings"] if skipped else []),
    ]
    return [f"{column.name} {remark}" for remark in remarks]


def _differences(values: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Remarks on values that differ from the expected ones; a missing value counts as expected."""
    return [
        f"with another {name} than the paper's"
        if isinstance(value, Mapping | list)
        else f"with {name} {values[name]}, not {value}"
        for name, value in expected.items()
        if values.get(name, value) != value
    ]


def _figure(column: Column, result: Result, source: Source) -> _Figure:
    row = _row(column, result, source)
    parts, name = row.get("folds", ()), column.parts[0] if column.parts else "folds"
    std = row.get(f"{column.figure}_std", _std(parts, column.figure))
    return _Figure(float(row[column.figure]), std, f"{len(parts)} {name}" if parts else name)


def _std(parts: Sequence[Mapping[str, Any]], figure: str) -> float | None:
    values = [float(part[figure]) for part in parts if figure in part]
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


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
