"""One figure of a group of runs, with its spread over seeds or over folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Literal

from avgdt.evaluation.results import Result, at
from avgdt.report.errors import ReportError
from avgdt.report.headline_row import headline_row
from avgdt.report.published import Column
from avgdt.report.run_groups import Group, Measured

DASH = "–"
APART = {"seed", "scratch", "finetune", "frozen", "training_epochs", "training_lr", "shots"}
"""Options that say what else is measured, and change no figure of a table."""
Source = Literal["pretrained", "random"]


@dataclass(frozen=True)
class Cell:
    """A figure as text."""

    text: str = DASH
    over: str = ""
    """What its spread is over, such as "3 seeds"; empty for none."""
    remarks: tuple[str, ...] = ()
    """In what it is not the paper's."""


def cell(column: Column, group: Group, source: Source) -> Cell:
    """The figure of ``column`` in per cent; a dash where no run of the group has it.

    Several seeds give their mean and standard deviation, one gives the spread over its folds or splits. Random weights
    are counted once for each seed that they were drawn with. Raises :class:`ReportError` where seeds were evaluated
    with different options.
    """
    found = [(run, result) for run in group.runs if (result := _result(column, run, source)) is not None]
    _check_alike(column, found)
    figures: dict[Any, _Figure] = {}
    for run, result in found:
        seed = run.seed if source == "pretrained" else result["options"].get("seed")
        figures.setdefault(seed, _figure(column, result, source))
    remarks = tuple(dict.fromkeys(remark for _, result in found for remark in _remarks(column, result)))
    if len(places := dict.fromkeys(str(Path(result.get("data", "")).resolve()) for _, result in found)) > 1:
        remarks += (f"{column.name} with data of different places ({', '.join(places)})",)
    if not figures:
        return Cell()
    if len(figures) > 1:
        values = [figure.value for figure in figures.values()]
        return _spread(mean(values), stdev(values), f"{len(values)} seeds", remarks)
    (figure,) = figures.values()
    if figure.spread is None:
        return Cell(_percent(figure.value), remarks=remarks)
    return _spread(figure.value, figure.spread, figure.over, remarks)


@dataclass(frozen=True)
class _Figure:
    value: float
    spread: float | None
    over: str


def _result(column: Column, run: Measured, source: Source) -> Result | None:
    """The newest that is whole and holds the figure."""
    for result in run.results.get(column.protocol, ()):
        parts = column.whole and result["options"].get(column.whole[0])
        complete = column.whole is None or parts is None or sorted(parts) == list(column.whole[1])
        if complete and column.figure in _row(column, result, source):
            return result
    return None


def _row(column: Column, result: Result, source: Source) -> Mapping[str, Any]:
    path = (column.row,) if column.row else headline_row(result)
    row = None if path is None else at(result[source], path)
    return row if isinstance(row, Mapping) else {}


def _remarks(column: Column, result: Result) -> list[str]:
    """In what a result is not the paper's, as far as it tells."""
    options = result["options"]
    left_out = len(result.get("skipped", ()))
    sizes = {part: (result["sizes"][part], whole) for part, whole in column.sizes.items()}
    told = [
        *_others(options, column.usual),
        *_others(result.get("training_input", {}), column.training_input),
        *(f"with {found} of {whole} {part}" for part, (found, whole) in sizes.items() if found < whole),
        *([f"without {left_out} of its recordings"] if left_out else []),
    ]
    return [f"{column.name} {one}" for one in told]


def _others(found: Mapping[str, Any], usual: Mapping[str, Any]) -> list[str]:
    """What is told and not as usual; what is not told counts as usual."""
    return [
        f"with other {name} than usual"
        if isinstance(value, Mapping | list)
        else f"with {name} {found[name]}, not {value}"
        for name, value in usual.items()
        if found.get(name, value) != value
    ]


def _figure(column: Column, result: Result, source: Source) -> _Figure:
    row = _row(column, result, source)
    turns, name = row.get("folds", ()), column.whole[0] if column.whole else "folds"
    spread = row.get(f"{column.figure}_std", _spread_of(turns, column.figure))
    return _Figure(float(row[column.figure]), spread, f"{len(turns)} {name}" if turns else name)


def _spread_of(parts: Sequence[Mapping[str, Any]], figure: str) -> float | None:
    values = [float(part[figure]) for part in parts if figure in part]
    return stdev(values) if len(values) > 1 else None


def _check_alike(column: Column, found: Sequence[tuple[Measured, Result]]) -> None:
    seen: dict[str, Any] | None = None
    for run, result in found:
        options = {name: value for name, value in result["options"].items() if name not in APART}
        if seen is not None and options != seen:
            name = next(name for name in {**seen, **options} if seen.get(name) != options.get(name))
            raise ReportError(
                f"{run.path}: {column.protocol} was evaluated with {name} {options.get(name)}, with the other seeds "
                f"{seen.get(name)}; evaluate all seeds alike"
            )
        seen = options


def _spread(value: float, spread: float, over: str, remarks: tuple[str, ...]) -> Cell:
    return Cell(f"{_percent(value)} ± {_percent(spread)}", over, remarks)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
