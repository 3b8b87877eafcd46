"""Anti-aliased drawing on a numpy picture: coverage from signed distances to the outline of each shape."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from avgdt.data.worlds.arrays import Pixels
from avgdt.data.worlds.colours import Colour
from avgdt.data.worlds.outlines import DISC, Outline, capsule

_NONE, _HALF, _ALL = np.float32(0), np.float32(0.5), np.float32(1)


class _Window(NamedTuple):
    pixels: Pixels  # (3, height, width) a view of the picture
    dx: Pixels  # (1, width) pixels right of the shape's centre
    dy: Pixels  # (height, 1) pixels below it


class Canvas:
    """A picture (3, height, width); lengths are in world units: the picture is 1 unit high, y points down."""

    def __init__(self, height: int, width: int) -> None:
        self.pixels: Pixels = np.zeros((3, height, width), np.float32)
        self.aspect = width / height
        self._height, self._width = height, width
        self._rows = np.arange(height, dtype=np.float32)[:, None] + np.float32(0.5)
        self._columns = np.arange(width, dtype=np.float32)[None, :] + np.float32(0.5)
        self._strip: Pixels = np.empty((3, height, width + 1), np.float32)
        self.aim(self.aspect / 2, 0.5, 1.0)

    def aim(self, x: float, y: float, zoom: float) -> tuple[float, float]:
        """Point the camera at the world's place (x, y); the corner (left, top) of what it sees."""
        self._scale = self._height * zoom
        self._left = x - self._width / 2 / self._scale
        self._top = y - self._height / 2 / self._scale
        return self._left, self._top

    def paste(self, layer: Pixels, left: float, top: float) -> None:
        """Fill the picture from ``layer`` (3, height, width), which has this canvas' pixels per unit and its corner at
        (left, top), interpolated linearly; the layer must cover what the camera sees and a pixel more."""
        down, across = (self._top - top) * self._scale, (self._left - left) * self._scale
        row, column = int(down), int(across)
        seen = layer[:, row : row + self._height + 1, column : column + self._width + 1]
        strip = np.subtract(seen[:, 1:], seen[:, :-1], out=self._strip)
        strip *= np.float32(down - row)
        strip += seen[:, :-1]
        np.subtract(strip[:, :, 1:], strip[:, :, :-1], out=self.pixels)
        self.pixels *= np.float32(across - column)
        self.pixels += strip[:, :, :-1]

    def yuv420p(self) -> npt.NDArray[np.uint8]:
        """The picture as a film stores it, (3 / 2 height, width), both sides even: luma, blue and red differences at
        half the resolution, each between two columns (the mean) and two rows (four rows with weights 1, 3, 3, 1)."""
        height, width = self._height, self._width
        picture = np.empty((height * 3 // 2, width), np.uint8)
        np.add(self.pixels[0], _HALF, out=picture[:height], casting="unsafe")
        colour = self.pixels[1:, :, ::2] + self.pixels[1:, :, 1::2]
        upper, lower = colour[:, ::2], colour[:, 1::2]
        halved = upper + lower
        halved *= np.float32(3)
        halved[:, 1:] += lower[:, :-1]
        halved[:, :1] += upper[:, :1]
        halved[:, :-1] += upper[:, 1:]
        halved[:, -1:] += lower[:, -1:]
        halved *= np.float32(1 / 16)
        np.add(halved, _HALF, out=picture[height:].reshape(halved.shape), casting="unsafe")
        return picture

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
        reach = size * outline.reach
        window = self._window(x, y, reach * stretch[0], reach * stretch[1])
        if window is None:
            return
        dx, dy = window.dx, window.dy
        if stretch != (1.0, 1.0):
            dx, dy = dx / np.float32(stretch[0]), dy / np.float32(stretch[1])
        if angle != 0 and outline != DISC:
            cosine, sine = np.float32(math.cos(angle)), np.float32(math.sin(angle))
            dx, dy = cosine * dx + sine * dy, cosine * dy - sine * dx
        distance = outline.distance(dx, dy, size * self._scale)
        if stretch != (1.0, 1.0):
            distance *= np.float32(min(stretch))
        self._fill(window, distance, colour, alpha)

    def bar(
        self, x0: float, y0: float, x1: float, y1: float, radius: float, colour: Colour, *, alpha: float = 1.0
    ) -> None:
        """Fill a bar with round ends from (x0, y0) to (x1, y1)."""
        half_x, half_y = (x1 - x0) / 2, (y1 - y0) / 2
        window = self._window(x0 + half_x, y0 + half_y, radius + abs(half_x), radius + abs(half_y))
        if window is not None:
            scale = self._scale
            distance = capsule(window.dx, window.dy, half_x * scale, half_y * scale, radius * scale)
            self._fill(window, distance, colour, alpha)

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
        window = self._window(x, y, radius + thickness, (radius + thickness) * flatness)
        if window is not None:
            gap = DISC.distance(window.dx, window.dy / np.float32(flatness), radius * self._scale)
            distance = np.abs(gap, out=gap)
            distance -= np.float32(thickness / 2 * self._scale)
            distance *= np.float32(flatness)
            self._fill(window, distance, colour, alpha)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """A soft halo that fades out at ``radius``."""
        window = self._window(x, y, radius, radius)
        if window is not None:
            inverse = np.float32(1 / (radius * self._scale))
            across, down = window.dx * inverse, window.dy * inverse
            share = (1 - across * across) - down * down
            np.maximum(share, 0, out=share)
            share *= share
            self._blend(window, share, colour, strength)

    def _window(self, x: float, y: float, reach_x: float, reach_y: float) -> _Window | None:
        """The pixels within ``reach_x`` and ``reach_y`` of (x, y) and one more on each side; None if none are seen."""
        scale = self._scale
        column, row = float(x - self._left) * scale, float(y - self._top) * scale
        across, down = float(reach_x) * scale + 1, float(reach_y) * scale + 1
        west, east = max(int(column - across), 0), min(int(column + across) + 1, self._width)
        north, south = max(int(row - down), 0), min(int(row + down) + 1, self._height)
        if west >= east or north >= south:
            return None
        dx = self._columns[:, west:east] - np.float32(column)
        dy = self._rows[north:south] - np.float32(row)
        return _Window(self.pixels[:, north:south, west:east], dx, dy)

    def _fill(self, window: _Window, distance: Pixels, colour: Colour, alpha: float) -> None:
        """Cover what lies inside; the line itself covers half a pixel. ``distance`` is overwritten."""
        coverage = np.subtract(_HALF, distance, out=distance)
        np.maximum(coverage, _NONE, out=coverage)
        self._blend(window, np.minimum(coverage, _ALL, out=coverage), colour, alpha)

    def _blend(self, window: _Window, share: Pixels, colour: Colour, alpha: float) -> None:
        if alpha != 1:
            share *= np.float32(alpha)
        change = np.array(colour, np.float32).reshape(3, 1, 1) - window.pixels
        change *= share
        np.add(window.pixels, change, out=window.pixels)
