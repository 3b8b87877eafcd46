"""What is drawn in one frame, as strokes; `painting` turns the strokes of many frames into pictures at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple, TypeAlias

import numpy as np

from avgdt.synthetic.arrays import Pixels
from avgdt.synthetic.colours import Colour
from avgdt.synthetic.outlines import DISC, Outline, capsule

Brush: TypeAlias = Callable[[Pixels, Pixels, Pixels], Pixels]
"""Share of each pixel that each stroke covers, (strokes, height, width) from 0 to 1.

From the pixels' offsets in pixels from the centres of the strokes, to the right (strokes, 1, width) and down (strokes,
height, 1), and from the numbers of the strokes (5, strokes, 1, 1)."""


class Stroke(NamedTuple):
    """Something of one colour; places and lengths in pixels."""

    brush: Brush
    place: tuple[float, float, float, float]
    """Column and row of the centre, then how far the stroke reaches along both."""
    numbers: tuple[float, float, float, float, float]
    """What the brush needs to know."""
    colour: Colour
    alpha: float
    """Opacity."""


class Canvas:
    """One frame; lengths are in world units: the picture is 1 unit high, y points down."""

    def __init__(self, height: int, width: int) -> None:
        self.strokes: list[Stroke] = []
        """What was drawn, the farthest first."""
        self.size = height, width
        """Rows and columns."""
        self.aspect = width / height
        self.aim(self.aspect / 2, 0.5, 1.0)

    def aim(self, x: float, y: float, zoom: float) -> tuple[float, float]:
        """Point the camera at the world's place (x, y); the corner (left, top) of what it sees."""
        height, width = self.size
        self._scale = height * zoom
        self._left = float(x - width / 2 / self._scale)
        self._top = float(y - height / 2 / self._scale)
        return self._left, self._top

    def pixels_to(self, left: float, top: float) -> tuple[float, float]:
        """Columns and rows from (left, top) to the picture's corner."""
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
        """Fill ``outline`` around (x, y), turned by ``angle`` (radians) and then stretched along x and y."""
        size = size * self._scale
        turned = angle != 0 and outline != DISC
        cosine, sine = (math.cos(angle), math.sin(angle)) if turned else (1.0, 0.0)
        reach = size * outline.reach
        self._add(
            _filled(outline, turned),
            (x, y, reach * stretch[0], reach * stretch[1]),
            (size, cosine, sine, *stretch),
            colour,
            alpha,
        )

    def bar(
        self, x0: float, y0: float, x1: float, y1: float, radius: float, colour: Colour, *, alpha: float = 1.0
    ) -> None:
        """Fill a bar with round ends from (x0, y0) to (x1, y1)."""
        scale = self._scale
        half_x, half_y, radius = float(x1 - x0) / 2 * scale, float(y1 - y0) / 2 * scale, radius * scale
        half = math.hypot(half_x, half_y)
        cosine, sine = (half_x / half, half_y / half) if half > 0 else (1.0, 0.0)
        place = ((x0 + x1) / 2, (y0 + y1) / 2, radius + abs(half_x), radius + abs(half_y))
        self._add(_bar, place, (radius, cosine, sine, half, 0.0), colour, alpha)

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
        """A circle's line of ``thickness``; ``flatness`` below 1 presses it down to an ellipse."""
        radius, thickness = radius * self._scale, thickness * self._scale
        place = (x, y, radius + thickness, (radius + thickness) * flatness)
        self._add(_ring, place, (radius, thickness / 2, flatness, 0.0, 0.0), colour, alpha)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """A soft halo that fades out at ``radius``."""
        radius = radius * self._scale
        self._add(_glow, (x, y, radius, radius), (radius, 0.0, 0.0, 0.0, 0.0), colour, strength)

    def _add(
        self,
        brush: Brush,
        place: tuple[float, float, float, float],
        numbers: tuple[float, float, float, float, float],
        colour: Colour,
        alpha: float,
    ) -> None:
        x, y, across, down = place
        column, row = float(x - self._left) * self._scale, float(y - self._top) * self._scale
        self.strokes.append(Stroke(brush, (column, row, across, down), numbers, colour, alpha))


def _covered(distance: Pixels) -> Pixels:
    """All inside, nothing outside, half of a pixel on the line; overwrites ``distance``."""
    np.subtract(np.float32(0.5), distance, out=distance)
    np.maximum(distance, 0, out=distance)
    return np.minimum(distance, 1, out=distance)


@cache
def _filled(outline: Outline, turned: bool) -> Brush:
    return partial(_shape, outline, turned)


def _shape(outline: Outline, turned: bool, dx: Pixels, dy: Pixels, numbers: Pixels) -> Pixels:
    size, cosine, sine, stretch_x, stretch_y = numbers
    dx, dy = dx / stretch_x, dy / stretch_y
    if turned:
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
    share = (1 - across * across) - down * down
    np.maximum(share, 0, out=share)
    share *= share
    return share
