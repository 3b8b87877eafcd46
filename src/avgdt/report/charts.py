"""Geometry of line charts, which ``templates/chart.html`` renders as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from avgdt.report.formatting import NARROW

WIDTH, HEIGHT = 380, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 38
MAX_POINTS = 300


@dataclass(frozen=True)
class Series:
    """The values of one line of a chart, before they are scaled to SVG coordinates."""

    name: str
    """Name of the line in the legend."""
    x: Sequence[float]
    y: Sequence[float]
    style: str
    """CSS class of the line: video, audio, both, random or chance."""
    smooth: bool = False
    """Whether to draw the moving average over a faint line of the original values."""


@dataclass(frozen=True)
class Line:
    """One line of a chart as SVG paths."""

    name: str
    style: str
    path: str
    """SVG path of the line."""
    faint: str
    """SVG path of the values before smoothing; empty if the line is not smoothed."""
    last: str
    """Last value of the line, as text."""


@dataclass(frozen=True)
class Tick:
    """A labelled position on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A line chart in SVG coordinates."""

    title: str
    note: str
    """Explanation of the chart: what is measured and how to read it."""
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    description: str
    """Description of the chart for screen readers."""


def chart(title: str, note: str, series: Sequence[Series], percent: bool = False, from_zero: bool = True) -> Chart:
    """Return a line chart of ``series`` over epochs.

    If ``percent`` is True, the values are fractions from 0 to 1 and the labels are percentages. If ``from_zero`` is
    True, the vertical axis starts at 0.
    """
    right = max((x for s in series for x in s.x), default=1.0) or 1.0
    values = [y for s in series for y in s.y if np.isfinite(y)] or [1.0]
    unit = 100 if percent else 1
    up = _ticks(0.0 if from_zero else min(values) * unit, max(values) * unit)
    scale = _Scale(right, up[0] / unit, up[-1] / unit)
    lines = tuple(_line(curve, scale, percent) for curve in series)
    ends = "; ".join(f"{line.name} ends at {line.last}" for line in lines)
    sign = f"{NARROW}%" if percent else ""
    return Chart(
        title,
        note,
        lines,
        tuple(Tick(scale.x(value), f"{value:g}") for value in _ticks(0.0, right) if value <= right),
        tuple(Tick(scale.y(value / unit), f"{value:g}{sign}") for value in up),
        f"{title} over {right:g} epochs: {ends}.",
    )


@dataclass(frozen=True)
class _Scale:
    """Mapping from epochs and values to SVG coordinates."""

    right: float
    low: float
    high: float

    def x(self, epoch: float) -> float:
        return round(LEFT + epoch / self.right * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        fraction = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - fraction * (HEIGHT - TOP - BOTTOM), 1)

    def path(self, x: np.ndarray, y: np.ndarray) -> str:
        """Return the SVG path through at most :data:`MAX_POINTS` points; non-finite values are omitted."""
        indices = np.unique(np.linspace(0, len(x) - 1, min(len(x), MAX_POINTS)).round().astype(int))
        points = [f"{self.x(x[i])} {self.y(y[i])}" for i in indices if np.isfinite(y[i])]
        return "M" + "L".join(points) if points else ""


def _line(series: Series, scale: _Scale, percent: bool) -> Line:
    x, y = np.asarray(series.x, dtype=float), np.asarray(series.y, dtype=float)
    curve = _smooth(y) if series.smooth else y
    last = f"{100 * curve[-1]:.1f}{NARROW}%" if percent else f"{curve[-1]:.3g}"
    return Line(series.name, series.style, scale.path(x, curve), scale.path(x, y) if series.smooth else "", last)


def _smooth(y: np.ndarray) -> np.ndarray:
    """Return the moving average of ``y`` over a window of 5 % of its values; the window is truncated at both ends."""
    half = max(1, len(y) // 40)
    total = np.concatenate([[0.0], np.cumsum(y)])
    middle = np.arange(len(y))
    begin, end = np.maximum(middle - half, 0), np.minimum(middle + half + 1, len(y))
    return np.asarray((total[end] - total[begin]) / (end - begin))


def _ticks(low: float, high: float) -> list[float]:
    """Return at most seven round values, which span the range from ``low`` to ``high``."""
    rough = (max(high - low, abs(high) * 1e-3) or 1.0) / 5
    power = 10.0 ** floor(log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]
