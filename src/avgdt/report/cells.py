"""One figure of a group of runs, with its spread over seeds or over folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any, Literal

from avgdt.evaluation.results import Result
from avgdt.evaluation.tables import at
from avgdt.report.errors import ReportError
from avgdt.report.headline_row import PARTS, headline_row
from avgdt.report.published import Column
from avgdt.report.run_groups import Group

DASH = "–"
Source = Literal["pretrained", "random"]


@dataclass(frozen=True)
class Cell:
    """A figure as text."""

    text: str = DASH
    over: str = ""
    """What its spread is over, such as "3 seeds"; empty for none."""


def cell(column: Column, group: Group, source: Source) -> Cell:
    """The figure of ``column`` in per cent; a dash where no run of the group has it.

    Several seeds give their mean and standard deviation, one gives the spread over its folds or splits. Random weights
    are counted once for each seed that they were drawn with. Raises :class:`ReportError` where seeds were evaluated
    with different options.
    """
    _check_alike(column, group)
    figures: dict[Any, _Figure] = {}
    for run in group.runs:
        result = run.results.get(column.protocol)
        figure = _figure(column, result, source) if result else None
        if result and figure:
            figures.setdefault(run.seed if source == "pretrained" else result["options"].get("seed"), figure)
    if not figures:
        return Cell()
    if len(figures) > 1:
        values = [figure.value for figure in figures.values()]
        return _spread(mean(values), stdev(values), f"{len(values)} seeds")
    (figure,) = figures.values()
    return Cell(_percent(figure.value)) if figure.spread is None else _spread(figure.value, figure.spread, figure.over)


@dataclass(frozen=True)
class _Figure:
    value: float
    spread: float | None
    over: str


def _figure(column: Column, result: Result, source: Source) -> _Figure | None:
    path = (column.row,) if column.row else headline_row(result)
    row = None if path is None else at(result[source], path)
    if not isinstance(row, Mapping) or column.figure not in row:
        return None
    name, parts = next(((name, row[name]) for name in PARTS if name in row), ("folds", ()))
    spread = row.get(f"{column.figure}_std", _spread_of(parts, column.figure))
    return _Figure(float(row[column.figure]), spread, f"{len(parts)} {name}" if parts else name)


def _spread_of(parts: Sequence[Mapping[str, Any]], figure: str) -> float | None:
    values = [float(part[figure]) for part in parts if figure in part]
    return stdev(values) if len(values) > 1 else None


def _check_alike(column: Column, group: Group) -> None:
    seen: dict[str, Any] | None = None
    for run in group.runs:
        if column.protocol not in run.results:
            continue
        options = {name: value for name, value in run.results[column.protocol]["options"].items() if name != "seed"}
        if seen is not None and options != seen:
            name = next(name for name in {**seen, **options} if seen.get(name) != options.get(name))
            raise ReportError(
                f"{run.path}: {column.protocol} was evaluated with {name} {options.get(name)}, with the other seeds "
                f"{seen.get(name)}; evaluate all seeds alike"
            )
        seen = options


def _spread(value: float, spread: float, over: str) -> Cell:
    return Cell(f"{_percent(value)} ± {_percent(spread)}", over)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
