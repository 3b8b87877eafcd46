"""Outcome of an experiment, stored in ``experiment.json``: answers, plots and tables for the report."""

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
    """Data series of a plot, such as one line of a line plot."""

    name: str
    x: tuple[float | str, ...]
    """Positions along the axis: numbers in a line plot, categories in other plots."""
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    """Lower bounds of the confidence intervals; empty if there are no intervals."""
    high: tuple[float, ...] = ()
    """Upper bounds of the confidence intervals; empty if there are no intervals."""


@dataclass(frozen=True)
class ReferenceLine:
    """Reference line in a plot, such as the chance level."""

    name: str
    y: float


@dataclass(frozen=True)
class Plot:
    """Plot of one of three kinds: points with intervals over categories, lines over numbers, or horizontal bars."""

    name: str
    """Name of the image files of the plot, without extension."""
    title: str
    note: str
    """Explanation of the plotted values."""
    kind: Literal["points", "lines", "bars"]
    x_label: str
    y_label: str
    series: tuple[PlotSeries, ...]
    references: tuple[ReferenceLine, ...] = ()


@dataclass(frozen=True)
class DataTable:
    """Table of text and numbers."""

    name: str
    """Name of the CSV file of the table, without extension."""
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]
    """Rows of the table, with numbers in full precision and None for missing values."""
    note: str = ""


@dataclass(frozen=True)
class Experiment:
    """Outcome of an experiment: answers, plots and tables."""

    title: str
    question: str
    answers: tuple[str, ...]
    """Answers to the question, as sentences with effect sizes and intervals, in order of importance."""
    setup: tuple[tuple[str, str], ...]
    """Names and values of the setup, such as data, recipe, seeds and evaluation."""
    plots: tuple[Plot, ...]
    tables: tuple[DataTable, ...]
    command: str
    date: str
    machine: str
    published: str = ""
    """Number of the corresponding table in the paper; empty if there is none."""


def write_outcome(experiment: Experiment, folder: Path) -> Path:
    """Write ``folder/experiment.json`` atomically and return its path; raise ``WriteError`` if that fails."""
    path = folder / FILE
    text = json.dumps(asdict(experiment), indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()), remedy="free some disk space and try again")
    return path


def read_outcome(folder: Path) -> Experiment:
    """Read the outcome in ``folder``; raise :class:`ExperimentError` if there is none or the file is damaged."""
    path = folder / FILE
    if not path.exists():
        known = suggestion(folder.name, [other.parent.name for other in folder.parent.glob(f"*/{FILE}")])
        raise ExperimentError(f"{folder}: contains no {FILE}; use the --out folder of an experiment ({known})")
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
            PlotSeries(line["name"], *(tuple(line[axis]) for axis in ("x", "y", "low", "high"))) for line in series
        ),
        references=tuple(ReferenceLine(**line) for line in references),
    )
