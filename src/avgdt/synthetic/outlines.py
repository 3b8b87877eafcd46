"""Outlines of shapes as signed distance functions in pixels: negative inside, zero on the outline, positive outside.

The area of a shape is approximately the area of the disc whose radius is the size of the shape; the area of a
:class:`Rectangle` is ``width`` times as large.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from avgdt.synthetic.colours import Pixels


class Outline(Protocol):
    """Protocol of closed curves around a centre; outlines with equal parameters are equal."""

    def __hash__(self) -> int:
        """Return a hash that is equal for equal outlines."""

    @property
    def reach(self) -> float:
        """Distance from the centre to the farthest point, relative to the size."""

    def distance(self, dx: Pixels, dy: Pixels, size: Pixels | float) -> Pixels:
        """Return the signed distance from points to the outline of a shape of ``size`` pixels.

        ``dx`` and ``dy`` are the offsets of the points from the centre, to the right and downwards.
        """


@dataclass(frozen=True)
class Disc:
    """A circle whose radius is the size."""

    reach: float = 1.0

    def distance(self, dx: Pixels, dy: Pixels, size: Pixels | float) -> Pixels:
        """Return the signed distance to the circle."""
        distance = np.sqrt(dx * dx + dy * dy)
        distance -= size
        return distance


@dataclass(frozen=True)
class Rectangle:
    """A square, or a rectangle of the same height that is ``width`` times as wide."""

    width: float = 1.0
    _half: ClassVar[float] = float(np.sqrt(np.pi)) / 2

    @property
    def reach(self) -> float:
        """Distance from the centre to a corner, relative to the size."""
        return self._half * float(np.hypot(self.width, 1.0))

    def distance(self, dx: Pixels, dy: Pixels, size: Pixels | float) -> Pixels:
        """Return the signed distance to the sides; beyond a corner, it is a lower bound."""
        half = size * np.float32(self._half)
        return np.maximum(np.abs(dx) - half * np.float32(self.width), np.abs(dy) - half)


@dataclass(frozen=True)
class Triangle:
    """An equilateral triangle that points up."""

    _inner: ClassVar[float] = float(np.sqrt(np.pi / (3 * np.sqrt(3))))

    @property
    def reach(self) -> float:
        """Distance from the centre to a corner, relative to the size; it is twice the distance to a side."""
        return 2 * self._inner

    def distance(self, dx: Pixels, dy: Pixels, size: Pixels | float) -> Pixels:
        """Return the signed distance to the sides; beyond a corner, it is a lower bound."""
        slope = np.abs(dx) * np.float32(np.sqrt(3) / 2) - dy / 2
        return np.maximum(slope, dy) - size * np.float32(self._inner)


@dataclass(frozen=True)
class Cross:
    """An upright cross of two bars, each 2.4 times as long as wide."""

    _long: ClassVar[float] = 1.091
    _short: ClassVar[float] = 0.4546

    @property
    def reach(self) -> float:
        """Distance from the centre to a corner at the end of a bar, relative to the size."""
        return float(np.hypot(self._long, self._short))

    def distance(self, dx: Pixels, dy: Pixels, size: Pixels | float) -> Pixels:
        """Return the signed distance to the sides; beyond a corner, it is a lower bound."""
        x, y = np.abs(dx), np.abs(dy)
        long, short = size * np.float32(self._long), size * np.float32(self._short)
        return np.maximum(np.maximum(x, y) - long, np.minimum(x, y) - short)


def capsule(along: Pixels, aside: Pixels, half: Pixels, radius: Pixels) -> Pixels:
    """Return the signed distance to a bar with round ends.

    The bar is the set of points within ``radius`` of a segment of length ``2 * half``. ``along`` and ``aside`` are the
    offsets from its centre, parallel and perpendicular to the segment.
    """
    beyond = np.abs(along)
    beyond -= half
    np.maximum(beyond, 0, out=beyond)
    distance = np.sqrt(beyond * beyond + aside * aside)
    distance -= radius
    return distance


DISC = Disc()
"""Outline of a circle."""
