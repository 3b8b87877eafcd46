"""Vector drawing of one frame as a list of strokes, which ``painting`` rasterises for many frames at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple, TypeAlias

import numpy as np

from avgdt.synthetic.colours import Colour, Pixels
from avgdt.synthetic.outlines import DISC, Outline, capsule

Brush: TypeAlias = Callable[[Pixels, Pixels, Pixels], Pixels]
"""Function that computes the coverage of pixels by strokes, (strokes, height, width) from 0 to 1.

Its first two arguments are the offsets of the pixels from the centres of the strokes, in pixels: (strokes, 1, width) to
the right and (strokes, height, 1) downwards. The third argument holds the parameters of the strokes, (5, strokes, 1,
1).
"""


class Stroke(NamedTuple):
    """A drawn shape of one colour; positions and lengths are in pixels."""

    brush: Brush
    box: tuple[float, float, float, float]
    """Column and row of the centre, half the width, and half the height."""
    numbers: tuple[float, float, float, float, float]
    """Parameters of the brush."""
    colour: Colour
    alpha: float
    """Opacity, from 0 to 1."""


class Canvas:
    """The strokes of one frame; lengths are in units of the frame height, and y points down."""

    def __init__(self, height: int, width: int) -> None:
        self.strokes: list[Stroke] = []
        """Strokes in the order in which they are painted."""
        self.size = height, width
        """Height and width of the frame, in pixels."""
        self.aspect = width / height
        self.aim(self.aspect / 2, 0.5, 1.0)

    def aim(self, x: float, y: float, zoom: float) -> tuple[float, float]:
        """Centre the view on (x, y) with magnification ``zoom`` and return its top left corner."""
        height, width = self.size
        self._scale = height * zoom
        self._left = float(x - width / 2 / self._scale)
        self._top = float(y - height / 2 / self._scale)
        return self._left, self._top

    def pixels_to(self, left: float, top: float) -> tuple[float, float]:
        """Return the offset in pixels (columns, rows) from (left, top) to the top left corner of the view."""
        return (self._left - left) * self._scale, (self._top - top) * self._scale

    def shape(
        self,
        outline: Outline,
        x: float,
        y: float,
        size: float,
        colour: Colour,
        *,
        angle: float = 0.0,
        stretch: tuple[float, float] = (1.0, 1.0),
        alpha: float = 1.0,
    ) -> None:
        """Fill ``outline`` at (x, y), rotated clockwise by ``angle`` radians and then stretched along x and y."""
        size = size * self._scale
        rotated = angle != 0 and outline != DISC
        cosine, sine = (math.cos(angle), math.sin(angle)) if rotated else (1.0, 0.0)
        reach = size * outline.reach
        self._add(
            _filled(outline, rotated),
            (x, y, reach * stretch[0], reach * stretch[1]),
            (size, cosine, sine, *stretch),
            colour,
            alpha,
        )

    def bar(
        self, x0: float, y0: float, x1: float, y1: float, radius: float, colour: Colour, *, alpha: float = 1.0
    ) -> None:
        """Fill a bar with round ends of radius ``radius`` from (x0, y0) to (x1, y1)."""
        scale = self._scale
        half_x, half_y, radius = float(x1 - x0) / 2 * scale, float(y1 - y0) / 2 * scale, radius * scale
        half = math.hypot(half_x, half_y)
        cosine, sine = (half_x / half, half_y / half) if half > 0 else (1.0, 0.0)
        box = ((x0 + x1) / 2, (y0 + y1) / 2, radius + abs(half_x), radius + abs(half_y))
        self._add(_bar, box, (radius, cosine, sine, half, 0.0), colour, alpha)

    def ring(
        self,
        x: float,
        y: float,
        radius: float,
        thickness: float,
        colour: Colour,
        *,
        alpha: float = 1.0,
        flatness: float = 1.0,
    ) -> None:
        """Draw a circle of line width ``thickness``; a ``flatness`` below 1 flattens it to an ellipse."""
        radius, thickness = radius * self._scale, thickness * self._scale
        box = (x, y, radius + thickness, (radius + thickness) * flatness)
        self._add(_ring, box, (radius, thickness / 2, flatness, 0.0, 0.0), colour, alpha)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """Draw a halo whose opacity falls from ``strength`` at its centre to 0 at ``radius``."""
        radius = radius * self._scale
        self._add(_glow, (x, y, radius, radius), (radius, 0.0, 0.0, 0.0, 0.0), colour, strength)

    def _add(
        self,
        brush: Brush,
        box: tuple[float, float, float, float],
        numbers: tuple[float, float, float, float, float],
        colour: Colour,
        alpha: float,
    ) -> None:
        x, y, across, down = box
        column, row = float(x - self._left) * self._scale, float(y - self._top) * self._scale
        self.strokes.append(Stroke(brush, (column, row, across, down), numbers, colour, alpha))


def _covered(distance: Pixels) -> Pixels:
    """Convert signed distances to coverage in place: 1 inside, 0.5 on the outline, 0 outside."""
    np.subtract(np.float32(0.5), distance, out=distance)
    np.maximum(distance, 0, out=distance)
    return np.minimum(distance, 1, out=distance)


@cache
def _filled(outline: Outline, rotated: bool) -> Brush:
    return partial(_shape, outline, rotated)


def _shape(outline: Outline, rotated: bool, dx: Pixels, dy: Pixels, numbers: Pixels) -> Pixels:
    size, cosine, sine, stretch_x, stretch_y = numbers
    dx, dy = dx / stretch_x, dy / stretch_y
    if rotated:
        dx, dy = cosine * dx + sine * dy, cosine * dy - sine * dx
    distance = outline.distance(dx, dy, size)
    distance *= np.minimum(stretch_x, stretch_y)
    return _covered(distance)


def _bar(dx: Pixels, dy: Pixels, numbers: Pixels) -> Pixels:
    radius, cosine, sine, half, _ = numbers
    return _covered(capsule(cosine * dx + sine * dy, cosine * dy - sine * dx, half, radius))


def _ring(dx: Pixels, dy: Pixels, numbers: Pixels) -> Pixels:
    radius, half_thickness, flatness, _, _ = numbers
    gap = np.abs(DISC.distance(dx, dy / flatness, radius))
    return _covered((gap - half_thickness) * flatness)


def _glow(dx: Pixels, dy: Pixels, numbers: Pixels) -> Pixels:
    across, down = dx / numbers[0], dy / numbers[0]
    coverage = (1 - across * across) - down * down
    np.maximum(coverage, 0, out=coverage)
    coverage *= coverage
    return coverage
