"""The geometry of line charts, which ``templates/chart.html`` draws as SVG."""

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
    """One line of a chart."""

    name: str
    """For the legend; empty for none."""
    x: Sequence[float]
    y: Sequence[float]
    style: str
    """CSS class: video, audio, both, random or chance."""
    smooth: bool = False
    """Whether a moving average is drawn, with the values as a faint line."""


@dataclass(frozen=True)
class Line:
    """A series as SVG paths."""

    name: str
    style: str
    path: str
    """The line's SVG path."""
    faint: str
    """The path of the line before smoothing; empty for none."""
    last: str
    """The last value of the series, as text."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A line chart whose coordinates are those of the SVG."""

    title: str
    note: str
    """What is measured and how to read it."""
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    description: str
    """The chart as text, for screen readers."""


def chart(title: str, note: str, series: Sequence[Series], percent: bool = False, from_zero: bool = True) -> Chart:
    """The chart of ``series`` by epoch; ``percent`` writes shares as per cent, ``from_zero`` starts the axis at 0."""
    right = max((x for s in series for x in s.x), default=1.0) or 1.0
    values = [y for s in series for y in s.y if np.isfinite(y)] or [1.0]
    unit = 100 if percent else 1
    up = _ticks(0.0 if from_zero else min(values) * unit, max(values) * unit)
    scale = _Scale(right, up[0] / unit, up[-1] / unit)
    lines = tuple(_line(one, scale, percent) for one in series)
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
    """The map from epochs and values to coordinates of the SVG."""

    right: float
    low: float
    high: float

    def x(self, epoch: float) -> float:
        return round(LEFT + epoch / self.right * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def path(self, x: np.ndarray, y: np.ndarray) -> str:
        """The SVG path through at most :data:`MAX_POINTS` points; values that are not finite are omitted."""
        indices = np.unique(np.linspace(0, len(x) - 1, min(len(x), MAX_POINTS)).round().astype(int))
        points = [f"{self.x(x[i])} {self.y(y[i])}" for i in indices if np.isfinite(y[i])]
        return "M" + "L".join(points) if points else ""


def _line(series: Series, scale: _Scale, percent: bool) -> Line:
    x, y = np.asarray(series.x, dtype=float), np.asarray(series.y, dtype=float)
    curve = _smooth(y) if series.smooth else y
    last = f"{100 * curve[-1]:.1f}{NARROW}%" if percent else f"{curve[-1]:.3g}"
    return Line(series.name, series.style, scale.path(x, curve), scale.path(x, y) if series.smooth else "", last)


def _smooth(y: np.ndarray) -> np.ndarray:
    """The moving average over a twentieth of the values; the window is shorter at the ends."""
    half = max(1, len(y) // 40)
    total = np.concatenate([[0.0], np.cumsum(y)])
    middle = np.arange(len(y))
    begin, end = np.maximum(middle - half, 0), np.minimum(middle + half + 1, len(y))
    return np.asarray((total[end] - total[begin]) / (end - begin))


def _ticks(low: float, high: float) -> list[float]:
    """Four to seven round values that enclose ``low`` to ``high``."""
    rough = (max(high - low, abs(high) * 1e-3) or 1.0) / 5
    power = 10.0 ** floor(log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]
