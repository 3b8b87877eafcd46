"""Anti-aliased drawing on a numpy picture: coverage from signed distances to the outline of each shape."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from avgdt.data.worlds.arrays import Pixels
from avgdt.data.worlds.colours import Colour
from avgdt.data.worlds.outlines import Outline, capsule


class _Window(NamedTuple):
    rows: slice
    columns: slice
    dx: Pixels  # (1, width) pixels right of the shape's centre
    dy: Pixels  # (height, 1) pixels below it


class Canvas:
    """A picture (height, width, 3); lengths are in world units: the picture is 1 unit high, y points down."""

    def __init__(self, height: int, width: int) -> None:
        self.pixels: Pixels = np.zeros((height, width, 3), np.float32)
        self.aspect = width / height
        self._rows = np.arange(height, dtype=np.float32)[:, None] + 0.5
        self._columns = np.arange(width, dtype=np.float32)[None, :] + 0.5
        self.aim(self.aspect / 2, 0.5, 1.0)

    def aim(self, x: float, y: float, zoom: float) -> tuple[float, float]:
        """Point the camera at the world's place (x, y); the corner (left, top) of what it sees."""
        height, width, _ = self.pixels.shape
        self._scale = height * zoom
        self._left = x - width / 2 / self._scale
        self._top = y - height / 2 / self._scale
        return self._left, self._top

    def paste(self, layer: Pixels, left: float, top: float) -> None:
        """Fill the picture from ``layer`` (height, width, 3), which has this canvas' pixels per unit and its corner at
        (left, top), interpolated linearly; the layer must cover what the camera sees and a pixel more."""
        height, width, _ = self.pixels.shape
        down, across = (self._top - top) * self._scale, (self._left - left) * self._scale
        row, column = int(down), int(across)
        seen = layer[row : row + height + 1, column : column + width + 1]
        strip = seen[1:] - seen[:-1]
        strip *= np.float32(down - row)
        strip += seen[:-1]
        np.subtract(strip[:, 1:], strip[:, :-1], out=self.pixels)
        self.pixels *= np.float32(across - column)
        self.pixels += strip[:, :-1]

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
        window = self._window(x, y, size * max(stretch) * outline.reach)
        if window is None:
            return
        dx, dy = window.dx / stretch[0], window.dy / stretch[1]
        cosine, sine = float(np.cos(angle)), float(np.sin(angle))
        distance = outline.distance(cosine * dx + sine * dy, cosine * dy - sine * dx, size * self._scale)
        self._blend(window, 0.5 - distance * min(stretch), colour, alpha)

    def bar(
        self, x0: float, y0: float, x1: float, y1: float, radius: float, colour: Colour, *, alpha: float = 1.0
    ) -> None:
        """Fill a bar with round ends from (x0, y0) to (x1, y1)."""
        half = ((x1 - x0) / 2, (y1 - y0) / 2)
        window = self._window(x0 + half[0], y0 + half[1], radius, (abs(half[0]), abs(half[1])))
        if window is not None:
            distance = capsule(window.dx, window.dy, half[0] * self._scale, half[1] * self._scale, radius * self._scale)
            self._blend(window, 0.5 - distance, colour, alpha)

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
        window = self._window(x, y, radius + thickness)
        if window is not None:
            gap = np.hypot(window.dx, window.dy / flatness) - radius * self._scale
            self._blend(window, 0.5 - (np.abs(gap) - thickness / 2 * self._scale) * flatness, colour, alpha)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """A soft halo that fades out at ``radius``."""
        window = self._window(x, y, radius)
        if window is not None:
            squared = (window.dx**2 + window.dy**2) / np.float32((radius * self._scale) ** 2)
            self._blend(window, np.maximum(1 - squared, 0) ** 2, colour, strength)

    def _window(self, x: float, y: float, reach: float, more: tuple[float, float] = (0.0, 0.0)) -> _Window | None:
        height, width, _ = self.pixels.shape
        column, row = (x - self._left) * self._scale, (y - self._top) * self._scale
        across, down = (reach + more[0]) * self._scale + 1, (reach + more[1]) * self._scale + 1
        west, east = max(int(column - across), 0), min(int(column + across) + 1, width)
        north, south = max(int(row - down), 0), min(int(row + down) + 1, height)
        if west >= east or north >= south:
            return None
        dx = self._columns[:, west:east] - np.float32(column)
        dy = self._rows[north:south] - np.float32(row)
        return _Window(slice(north, south), slice(west, east), dx, dy)

    def _blend(self, window: _Window, coverage: Pixels, colour: Colour, alpha: float) -> None:
        region = self.pixels[window.rows, window.columns]
        share = np.minimum(np.maximum(coverage, 0), 1)[..., None] * np.float32(alpha)
        region += share * (np.asarray(colour, np.float32) - region)
