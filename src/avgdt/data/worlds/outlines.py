"""Outlines as signed distances in pixels: negative inside, zero on the line, positive outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avgdt.data.worlds.arrays import Pixels


@dataclass(frozen=True)
class Outline:
    """A round or regular shape of about one unit of area per squared size, whatever its corners."""

    corners: int
    """0 is a disc, 3 a triangle that points up, 4 a block, 12 an upright cross."""
    width: float = 1.0
    """Horizontal half-axis relative to the size (polygons of four corners: a plank or a block)."""

    @property
    def reach(self) -> float:
        """Farthest point from the centre relative to the size."""
        if self.corners == 0:
            return 1.0
        if self.corners == 12:
            return 1.3
        return 1.0 / float(np.cos(np.pi / self.corners)) * _inner(self.corners) * max(1.0, self.width) + 0.02

    def distance(self, dx: Pixels, dy: Pixels, size: float) -> Pixels:
        """Signed distance at the offsets ``dx``, ``dy`` for a shape of ``size`` pixels."""
        if self.corners == 0:
            return np.asarray(np.hypot(dx, dy) - np.float32(size))
        if self.corners == 4:
            inner = np.float32(size * _inner(4))
            return np.maximum(np.abs(dx) - inner * np.float32(self.width), np.abs(dy) - inner)
        if self.corners == 12:
            x, y = np.abs(dx), np.abs(dy)
            long, short = np.float32(size * 1.15), np.float32(size * 0.45)
            return np.maximum(np.maximum(np.minimum(x, y) - short, x - long), y - long)
        inner = np.float32(size * _inner(self.corners))
        turns = 2 * np.pi * (np.arange(self.corners) + 0.5) / self.corners
        sides = [np.float32(np.sin(turn)) * dx - np.float32(np.cos(turn)) * dy for turn in turns]
        return np.asarray(np.maximum.reduce(sides) - inner)


def _inner(corners: int) -> float:
    """Inner radius of the regular polygon with the area of the unit disc."""
    return float(np.sqrt(np.pi / (corners * np.tan(np.pi / corners))))


def capsule(dx: Pixels, dy: Pixels, half_x: float, half_y: float, radius: float) -> Pixels:
    """Signed distance to the bar of ``radius`` around the line from (-half_x, -half_y) to (half_x, half_y)."""
    length = max(half_x**2 + half_y**2, 1e-9)
    along = np.clip((dx * np.float32(half_x) + dy * np.float32(half_y)) / np.float32(length), -1, 1)
    return np.asarray(np.hypot(dx - along * np.float32(half_x), dy - along * np.float32(half_y)) - np.float32(radius))


DISC = Outline(0)
TRIANGLE = Outline(3)
BLOCK = Outline(4)
CROSS = Outline(12)
