"""Outlines as signed distances in pixels: negative inside, zero on the line, positive outside.

All outlines of one size cover about the same area, that of the disc whose radius is the size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from avgdt.data.worlds.arrays import Pixels


class Outline(Protocol):
    """A closed line around a centre."""

    @property
    def reach(self) -> float:
        """Distance of the farthest point from the centre, relative to the size."""

    def distance(self, dx: Pixels, dy: Pixels, size: float) -> Pixels:
        """Signed distance at the offsets ``dx`` (to the right) and ``dy`` (down) for a shape of ``size`` pixels."""


@dataclass(frozen=True)
class Disc:
    """A circle."""

    reach: float = 1.0

    def distance(self, dx: Pixels, dy: Pixels, size: float) -> Pixels:
        """Signed distance to the circle."""
        distance = np.sqrt(dx * dx + dy * dy)
        distance -= np.float32(size)
        return distance


@dataclass(frozen=True)
class Block:
    """A square, or a rectangle ``width`` times as wide as high (and larger by as much)."""

    width: float = 1.0
    _half: ClassVar[float] = float(np.sqrt(np.pi)) / 2

    @property
    def reach(self) -> float:
        """The corner."""
        return self._half * float(np.hypot(self.width, 1.0))

    def distance(self, dx: Pixels, dy: Pixels, size: float) -> Pixels:
        """Signed distance to the sides (less than the true one beyond a corner)."""
        half = np.float32(size * self._half)
        return np.maximum(np.abs(dx) - half * np.float32(self.width), np.abs(dy) - half)


@dataclass(frozen=True)
class Triangle:
    """An equilateral triangle that points up."""

    _inner: ClassVar[float] = float(np.sqrt(np.pi / (3 * np.sqrt(3))))

    @property
    def reach(self) -> float:
        """A corner: twice as far as a side."""
        return 2 * self._inner

    def distance(self, dx: Pixels, dy: Pixels, size: float) -> Pixels:
        """Signed distance to the sides (less than the true one beyond a corner)."""
        slope = np.abs(dx) * np.float32(np.sqrt(3) / 2) - dy / 2
        return np.maximum(slope, dy) - np.float32(size * self._inner)


@dataclass(frozen=True)
class Cross:
    """An upright cross of two bars, each 2.4 times as long as wide."""

    _long: ClassVar[float] = 1.091
    _short: ClassVar[float] = 0.4546

    @property
    def reach(self) -> float:
        """The end of a bar."""
        return float(np.hypot(self._long, self._short))

    def distance(self, dx: Pixels, dy: Pixels, size: float) -> Pixels:
        """Signed distance to the sides (less than the true one beyond a corner)."""
        x, y = np.abs(dx), np.abs(dy)
        long, short = np.float32(size * self._long), np.float32(size * self._short)
        return np.maximum(np.maximum(x, y) - long, np.minimum(x, y) - short)


def capsule(dx: Pixels, dy: Pixels, half_x: float, half_y: float, radius: float) -> Pixels:
    """Signed distance to the bar of ``radius`` around the line from (-half_x, -half_y) to (half_x, half_y)."""
    length = math.hypot(half_x, half_y)
    cosine, sine = (np.float32(half_x / length), np.float32(half_y / length)) if length > 0 else (1.0, 0.0)
    if sine == 0:  # one row and one column are enough
        along, aside = np.abs(dx), dy
    elif cosine == 0:
        along, aside = np.abs(dy), dx
    else:
        along, aside = np.abs(cosine * dx + sine * dy), cosine * dy - sine * dx
    along -= np.float32(length)
    np.maximum(along, 0, out=along)
    distance = np.sqrt(along * along + aside * aside)
    distance -= np.float32(radius)
    return distance


DISC = Disc()
"""The circle."""
