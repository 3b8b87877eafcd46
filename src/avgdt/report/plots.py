"""Plots of an experiment, drawn with matplotlib as SVG and PNG."""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING

from avgdt.errors import missing_package
from avgdt.experiments.outcome import Plot
from avgdt.report.errors import ReportError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

WIDTH, HEIGHT = 4.8, 3.4
"""Size of a plot in inches; its text remains legible when the plot is scaled to the width of a phone screen."""
COLOURS = ("#0b7a75", "#c2541b", "#3f4fa8", "#8a4fa0", "#7a6a00", "#4a7a2a", "#a03050", "#50606a")
MARKERS = "os^DvPX*"
DOTS_PER_INCH = 200


def draw(plot: Plot) -> tuple[bytes, bytes]:
    """Return the plot as SVG and as PNG, with fractions as percentages.

    Identical plots produce identical files. Raises :class:`ReportError` if matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib
    from matplotlib.figure import Figure

    # With a fixed hash salt, identical plots produce identical files.
    with matplotlib.rc_context({"font.size": 9, "font.family": "DejaVu Sans", "svg.hashsalt": "avgdt"}):
        canvas = Figure(figsize=(WIDTH, _height(plot)), layout="constrained")
        axes = canvas.add_subplot()
        {"points": _points, "lines": _lines, "bars": _bars}[plot.kind](axes, plot)
        axes.spines[["top", "right"]].set_visible(False)
        _legend(axes, plot)
        return _saved(canvas, "svg"), _saved(canvas, "png")


def require_matplotlib() -> None:
    """Raise :class:`ReportError` if matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise ReportError(missing_package("a plot", "matplotlib"))


def _height(plot: Plot) -> float:
    return HEIGHT if plot.kind != "bars" else 0.9 + 0.28 * max(len(series.x) for series in plot.series)


def _points(axes: Axes, plot: Plot) -> None:
    categories = list(dict.fromkeys(str(x) for series in plot.series for x in series.x))
    for i, series in enumerate(plot.series):
        offset = 0.12 * (i - (len(plot.series) - 1) / 2)
        x = [categories.index(str(name)) + offset for name in series.x]
        y = [100 * value for value in series.y]
        error = _error(series.y, series.low, series.high)
        axes.errorbar(x, y, error, fmt=MARKERS[i % 8], color=COLOURS[i % 8], capsize=3, label=series.name or None)
    axes.set_xlim(-0.5, len(categories) - 0.5)
    turned = sum(map(len, categories)) > 45
    axes.set_xticks(
        range(len(categories)), categories, rotation=35 if turned else 0, ha="right" if turned else "center"
    )
    _labelled(axes, plot)


def _lines(axes: Axes, plot: Plot) -> None:
    for i, series in enumerate(plot.series):
        x, colour = [float(value) for value in series.x], COLOURS[i % 8]
        axes.plot(x, [100 * value for value in series.y], color=colour, marker=MARKERS[i % 8], ms=3, label=series.name)
        if series.low and series.high:
            low, high = ([100 * value for value in ends] for ends in (series.low, series.high))
            axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    _labelled(axes, plot)


def _bars(axes: Axes, plot: Plot) -> None:
    names = [str(name) for name in plot.series[0].x][::-1]
    for i, series in enumerate(plot.series):
        error = _error(series.y, series.low, series.high)
        reversed_error = None if error is None else [ends[::-1] for ends in error]
        values = [100 * value for value in series.y][::-1]
        axes.barh(names, values, xerr=reversed_error, color=COLOURS[i % 8], capsize=3, label=series.name or None)
    for reference in plot.references:
        axes.axvline(100 * reference.y, color="#8b8e99", linestyle="--", linewidth=1, label=reference.name)
    axes.set_xlabel(plot.y_label)


def _labelled(axes: Axes, plot: Plot) -> None:
    for i, reference in enumerate(plot.references):
        axes.axhline(
            100 * reference.y, color="#8b8e99", linestyle=("--", ":")[i % 2], linewidth=1, label=reference.name
        )
    axes.set_xlabel(plot.x_label)
    axes.set_ylabel(plot.y_label)
    # Intervals may exceed the range from 0 to 100 %.
    axes.set_ylim(bottom=max(0.0, axes.get_ylim()[0]), top=min(100.0, axes.get_ylim()[1]))
    axes.grid(axis="y", color="#ece8df", linewidth=0.8)
    axes.set_axisbelow(True)


def _legend(axes: Axes, plot: Plot) -> None:
    if any(series.name for series in plot.series) or plot.references:
        axes.figure.legend(
            *axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=8
        )


def _error(y: tuple[float, ...], low: tuple[float, ...], high: tuple[float, ...]) -> list[list[float]] | None:
    """Return the lengths of the error bars below and above ``y``, in percentage points, or None without intervals."""
    if not low or not high:
        return None
    below = [100 * (value - end) for value, end in zip(y, low, strict=True)]
    above = [100 * (end - value) for value, end in zip(y, high, strict=True)]
    return [below, above]


def _saved(canvas: Canvas, kind: str) -> bytes:
    file = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {}
    canvas.savefig(file, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
    return file.getvalue()
