"""What an experiment has found, as plain data in ``experiment.json``: answers, plots and tables for the report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from avgdt.errors import suggestion
from avgdt.experiments.errors import ExperimentError
from avgdt.files import write_atomically

FILE = "experiment.json"


@dataclass(frozen=True)
class PlotSeries:
    """Values of one kind over the same axis, such as one line of a line plot."""

    name: str
    x: tuple[float | str, ...]
    """Positions: numbers of a line plot, categories of the other kinds."""
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    """Lower ends of the confidence intervals; empty for none."""
    high: tuple[float, ...] = ()
    """Upper ends of the confidence intervals; empty for none."""


@dataclass(frozen=True)
class ReferenceLine:
    """A horizontal line to compare with, such as chance level."""

    name: str
    y: float


@dataclass(frozen=True)
class Plot:
    """A plot: points with intervals over categories, lines over numbers, or horizontal bars."""

    name: str
    """Name of its files."""
    title: str
    note: str
    """What is plotted and how to read it."""
    kind: Literal["points", "lines", "bars"]
    x_label: str
    y_label: str
    series: tuple[PlotSeries, ...]
    references: tuple[ReferenceLine, ...] = ()


@dataclass(frozen=True)
class DataTable:
    """A table of text and numbers."""

    name: str
    """Name of its CSV file."""
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]
    """Numbers have full precision; None is a missing value."""
    note: str = ""


@dataclass(frozen=True)
class Experiment:
    """The outcome of an experiment."""

    title: str
    question: str
    answers: tuple[str, ...]
    """The findings as sentences with effect sizes and intervals, the most important first."""
    setup: tuple[tuple[str, str], ...]
    """Data, recipe, seeds, judge: name and value."""
    plots: tuple[Plot, ...]
    tables: tuple[DataTable, ...]
    command: str
    date: str
    machine: str
    published: str = ""
    """Number of the paper's table that belongs beside it; empty for none."""


def write_outcome(experiment: Experiment, folder: Path) -> Path:
    """Write ``folder/experiment.json`` atomically and return its path; raises ``WriteError``."""
    path = folder / FILE
    text = json.dumps(asdict(experiment), indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()), remedy="free some space and try again")
    return path


def read_outcome(folder: Path) -> Experiment:
    """The outcome in ``folder``; raises :class:`ExperimentError` where there is none or the file is damaged."""
    path = folder / FILE
    if not path.exists():
        known = suggestion(folder.name, [other.parent.name for other in folder.parent.glob(f"*/{FILE}")])
        raise ExperimentError(f"{folder}: holds no {FILE}; name the --out of an experiment ({known})")
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return Experiment(
            **{name: plain[name] for name in ("title", "question", "command", "date", "machine", "published")},
            answers=tuple(map(str, plain["answers"])),
            setup=tuple((str(name), str(value)) for name, value in plain["setup"]),
            plots=tuple(_plot(plot) for plot in plain["plots"]),
            tables=tuple(
                DataTable(
                    table["name"], table["title"], tuple(table["head"]), tuple(map(tuple, table["rows"])), table["note"]
                )
                for table in plain["tables"]
            ),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ExperimentError(f"{path}: is not the outcome of an experiment ({error}); repeat its command") from None


def _plot(plain: dict[str, object]) -> Plot:
    series, references = plain.pop("series"), plain.pop("references")
    if not isinstance(series, list) or not isinstance(references, list):
        raise TypeError("series and references must be lists")
    return Plot(
        **plain,  # type: ignore[arg-type]
        series=tuple(
            PlotSeries(each["name"], *(tuple(each[axis]) for axis in ("x", "y", "low", "high"))) for each in series
        ),
        references=tuple(ReferenceLine(**each) for each in references),
    )
