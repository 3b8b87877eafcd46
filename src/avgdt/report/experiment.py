"""Report of an experiment: a self-contained HTML page, plots as SVG and PNG, and tables as CSV."""

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
    """Write the page, plots and tables of the experiment in ``folder``, and return the path of the page.

    The files are ``experiment.html``, ``plots/NAME.svg``, ``plots/NAME.png`` and ``tables/NAME.csv``. Raises
    ``ExperimentError`` if the folder has no outcome, and :class:`ReportError` if matplotlib is not installed.
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
    """Return the paper's table that corresponds to the experiment, or None if there is none."""
    if not experiment.published:
        return None
    table = next(table for table in TABLES if table.number == experiment.published)
    names = tuple(column.name for column in table.columns)
    rows = tuple((row.method, *(row.values.get(name) for name in names)) for row in table.rows)
    return DataTable(
        "published",
        f"Table {table.number} of the paper",
        ("", *(f"{name} (%)" for name in names)),
        rows,
        f"{table.title}. The paper uses different data and a different evaluation: compare only the signs of "
        "differences.",
    )


def _csv(table: DataTable) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.head)
    writer.writerows([_plain(value) for value in row] for row in table.rows)
    return file.getvalue()


def _plain(value: Value) -> Value:
    """Return a value for a CSV file.

    Whole numbers have no decimal point. Text that a spreadsheet would evaluate as a formula is prefixed with an
    apostrophe.
    """
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "@") else value


def _text(value: Value) -> str:
    """Return a value as text for the page; None becomes a dash."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return f"{value:g}" if value.is_integer() else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"
