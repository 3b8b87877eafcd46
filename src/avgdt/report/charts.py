"""The geometry of line charts, which the template draws as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

import numpy as np

WIDTH, HEIGHT = 380, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 32
MOST_POINTS = 300


@dataclass(frozen=True)
class Series:
    """One line of a chart."""

    name: str
    """For the legend; empty for none."""
    x: Sequence[float]
    y: Sequence[float]
    style: str
    """Class of the style sheet: picture, sound, both, random or chance."""
    smooth: bool = False
    """Draw a moving average over the faint line itself."""


@dataclass(frozen=True)
class Line:
    """A series on the page."""

    name: str
    style: str
    path: str
    """The line's SVG path."""
    faint: str
    """The path of the line before smoothing; empty for none."""
    last: str
    """Its last value in words."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart on the page."""

    title: str
    note: str
    """What to look for."""
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    told: str
    """The chart in words, for those who do not see it."""


def chart(title: str, note: str, series: Sequence[Series], percent: bool = False) -> Chart:
    """Lay out ``series`` over epochs, from zero up; ``percent`` writes shares as per cent."""
    right = max((x for s in series for x in s.x), default=1.0) or 1.0
    top = max((y for s in series for y in s.y if np.isfinite(y)), default=1.0) or 1.0
    top = min(1.0, top * 1.05) if percent else top * 1.05
    unit = 100 if percent else 1
    up = _ticks(top * unit)
    lines = tuple(_line(one, right, top, percent) for one in series)
    words = "; ".join(f"{line.name} ends at {line.last}" for line in lines if line.name)
    return Chart(
        title,
        note,
        lines,
        tuple(Tick(_x(value, right), f"{value:g}") for value in _ticks(right)),
        tuple(Tick(_y(value / unit, top), f"{value:g}{' %' if percent else ''}") for value in up),
        f"{title} over {right:g} epochs: {words}.",
    )


def _line(series: Series, right: float, top: float, percent: bool) -> Line:
    x, y = np.asarray(series.x, dtype=float), np.asarray(series.y, dtype=float)
    smooth = _smooth(y) if series.smooth else y
    last = float(smooth[-1]) if len(y) else float("nan")
    words = f"{100 * last:.1f} %" if percent else f"{last:.3g}"
    faint = _path(x, y, right, top) if series.smooth else ""
    return Line(series.name, series.style, _path(x, smooth, right, top), faint, words)


def _smooth(y: np.ndarray) -> np.ndarray:
    """A moving average over a twentieth of the line, shorter at its ends."""
    half = max(1, len(y) // 40)
    total = np.concatenate([[0.0], np.cumsum(y)])
    middle = np.arange(len(y))
    begin, end = np.maximum(middle - half, 0), np.minimum(middle + half + 1, len(y))
    return (total[end] - total[begin]) / (end - begin)


def _path(x: np.ndarray, y: np.ndarray, right: float, top: float) -> str:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(int)) if len(x) else []
    points = [f"{_x(x[i], right):.1f} {_y(y[i], top):.1f}" for i in kept if np.isfinite(y[i])]
    return "M" + "L".join(points) if points else ""


def _x(value: float, right: float) -> float:
    return LEFT + value / right * (WIDTH - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - min(value / top, 1.0) * (HEIGHT - TOP - BOTTOM)


def _ticks(top: float, most: int = 5) -> list[float]:
    """Round values from 0 to ``top``."""
    rough = top / most
    power = 10.0 ** floor(log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
    return [round(i * step, 10) for i in range(floor(top / step + 1e-9) + 1)]
