"""Outlines of shapes as signed distance functions in pixels: negative inside, zero on the line, positive outside.

An outline covers about the area of the disc whose radius is its size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from avgdt.synthetic.colours import Pixels


class Outline(Protocol):
    """A closed curve around a centre; outlines with equal parameters are equal."""

    def __hash__(self) -> int:
        """A hash, equal for equal outlines."""

    @property
    def reach(self) -> float:
        """Distance of the farthest point from the centre, relative to the size."""

    def distance(self, dx: Pixels, dy: Pixels, size: Pixels | float) -> Pixels:
        """Signed distance at the offsets ``dx`` (to the right) and ``dy`` (down) for a shape of ``size`` pixels."""


@dataclass(frozen=True)
class Disc:
    """A circle."""

    reach: float = 1.0

    def distance(self, dx: Pixels, dy: Pixels, size: Pixels | float) -> Pixels:
        """Signed distance to the circle."""
        distance = np.sqrt(dx * dx + dy * dy)
        distance -= size
        return distance


@dataclass(frozen=True)
class Rectangle:
    """A square, or a rectangle of the same height and ``width`` times the width and area."""

    width: float = 1.0
    _half: ClassVar[float] = float(np.sqrt(np.pi)) / 2

    @property
    def reach(self) -> float:
        """Distance of a corner from the centre, relative to the size."""
        return self._half * float(np.hypot(self.width, 1.0))

    def distance(self, dx: Pixels, dy: Pixels, size: Pixels | float) -> Pixels:
        """Signed distance to the sides (a lower bound beyond a corner)."""
        half = size * np.float32(self._half)
        return np.maximum(np.abs(dx) - half * np.float32(self.width), np.abs(dy) - half)


@dataclass(frozen=True)
class Triangle:
    """An equilateral triangle that points up."""

    _inner: ClassVar[float] = float(np.sqrt(np.pi / (3 * np.sqrt(3))))

    @property
    def reach(self) -> float:
        """Distance of a corner from the centre, relative to the size: twice the distance of a side."""
        return 2 * self._inner

    def distance(self, dx: Pixels, dy: Pixels, size: Pixels | float) -> Pixels:
        """Signed distance to the sides (a lower bound beyond a corner)."""
        slope = np.abs(dx) * np.float32(np.sqrt(3) / 2) - dy / 2
        return np.maximum(slope, dy) - size * np.float32(self._inner)


@dataclass(frozen=True)
class Cross:
    """An upright cross of two bars, each 2.4 times as long as wide."""

    _long: ClassVar[float] = 1.091
    _short: ClassVar[float] = 0.4546

    @property
    def reach(self) -> float:
        """Distance of the end of a bar from the centre, relative to the size."""
        return float(np.hypot(self._long, self._short))

    def distance(self, dx: Pixels, dy: Pixels, size: Pixels | float) -> Pixels:
        """Signed distance to the sides (a lower bound beyond a corner)."""
        x, y = np.abs(dx), np.abs(dy)
        long, short = size * np.float32(self._long), size * np.float32(self._short)
        return np.maximum(np.maximum(x, y) - long, np.minimum(x, y) - short)


def capsule(along: Pixels, aside: Pixels, half: Pixels, radius: Pixels) -> Pixels:
    """Signed distance to a bar with round ends, at the offsets ``along`` and ``aside`` from its centre.

    The bar is the set of points within ``radius`` of a segment of length 2 ``half``.
    """
    beyond = np.abs(along)
    beyond -= half
    np.maximum(beyond, 0, out=beyond)
    distance = np.sqrt(beyond * beyond + aside * aside)
    distance -= radius
    return distance


DISC = Disc()
"""The circle."""
