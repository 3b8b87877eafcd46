"""An experiment as one self-contained HTML page, its plots as SVG and PNG, its tables as CSV."""

from __future__ import annotations

import base64
import csv
import io
from pathlib import Path

from markupsafe import Markup

import avgdt
from avgdt.experiments.outcome import DataTable, Experiment, read_outcome
from avgdt.report.formatting import TEMPLATES, template, write
from avgdt.report.plots import draw
from avgdt.report.published import TABLES

Value = str | float | None


def write_experiment(folder: Path) -> Path:
    """Write ``folder/experiment.html``, ``plots/NAME.svg`` and ``.png`` and ``tables/NAME.csv``; return the page.

    Raises ``ExperimentError`` for a folder without an outcome, :class:`ReportError` without matplotlib.
    """
    experiment = read_outcome(folder)
    images = []
    for plot in experiment.plots:
        svg, png = draw(plot)
        write(svg, folder / "plots" / f"{plot.name}.svg")
        write(png, folder / "plots" / f"{plot.name}.png")
        images.append((plot, base64.b64encode(svg).decode()))
    for table in experiment.tables:
        write(_csv(table), folder / "tables" / f"{table.name}.csv")
    page = template("experiment.html").render(
        version=avgdt.__version__,
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        experiment=experiment,
        images=images,
        published=_published(experiment),
        text=_text,
    )
    path = folder / "experiment.html"
    write(page.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), path)
    return path


def _published(experiment: Experiment) -> DataTable | None:
    """The paper's table that belongs beside the outcome."""
    table = next((table for table in TABLES if experiment.published == table.number), None)
    if table is None:
        return None
    names = tuple(column.name for column in table.columns)
    rows = tuple((row.method, *(row.figures.get(name) for name in names)) for row in table.rows)
    return DataTable(
        "published",
        f"In the paper: table {table.number}",
        ("", *(f"{name} (%)" for name in names)),
        rows,
        f"{table.title}. Other data and another evaluation: only the direction of a difference compares.",
    )


def _csv(table: DataTable) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.head)
    writer.writerows([_plain(value) for value in row] for row in table.rows)
    return file.getvalue()


def _plain(value: Value) -> Value:
    """A value for CSV: whole numbers without a decimal point; text that a spreadsheet would run is quoted."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "@") else value


def _text(value: Value) -> str:
    """A value for the page."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return f"{value:g}" if value.is_integer() else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"
