"""Rasterisation: computing the pixel coverage of many strokes at once, and blending strokes into images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from avgdt.synthetic.canvas import Brush, Stroke
from avgdt.synthetic.colours import Pixels

_HALF = np.float32(0.5)
_PIXELS_AT_ONCE = 2**14  # maximum number of pixels computed together, so that they fit into the processor cache


class Patch(NamedTuple):
    """The part of an image that a stroke changes, with its coverage and colour."""

    rows: slice
    columns: slice
    alpha: Pixels
    """Coverage times opacity, (height, width) from 0 to 1."""
    colour: Pixels
    """Colour of the stroke, (3, 1, 1)."""


class Image:
    """An image (3, height, width) with even height and width."""

    def __init__(self, height: int, width: int) -> None:
        # The array has one more row and column than the image, so that neighbours have constant offsets in the flat
        # array: NumPy is three times as fast on one long row as on many short rows.
        self._whole, self._strip = np.zeros((2, 3, height + 1, width + 1), np.float32)
        self.pixels: Pixels = self._whole[:, :-1, :-1]
        self._pairs = np.empty((2, height + 2, width // 2), np.float32)

    def paste(self, layer: Pixels, across: float, down: float) -> None:
        """Fill the image with the part of ``layer`` that begins at column ``across`` and row ``down``.

        The layer is (3, height, width). Fractional positions are interpolated linearly, so the layer must extend at
        least one pixel beyond this part.
        """
        _, height, width = self._whole.shape
        row, column = int(down), int(across)
        np.copyto(self._whole, layer[:, row : row + height, column : column + width])
        _towards(self._whole, width, down - row, self._strip)
        _towards(self._strip, 1, across - column, self._whole)

    def paint(self, patches: Sequence[Patch]) -> None:
        """Blend ``patches`` into the image, in order."""
        for rows, columns, alpha, colour in patches:
            region = self.pixels[:, rows, columns]
            change = colour - region
            change *= alpha
            region += change

    def yuv420p(self) -> npt.NDArray[np.uint8]:
        """Return the image in yuv420p, (height * 3 / 2, width) uint8.

        The rows hold the luma, then the chroma planes Cb and Cr at half the resolution. Each chroma value is the mean
        of two columns and the weighted mean of four rows, with weights proportional to 1, 3, 3 and 1.
        """
        _, height, width = self.pixels.shape
        planes = np.empty((height * 3 // 2, width), np.uint8)
        np.add(self.pixels[0], _HALF, out=planes[:height], casting="unsafe")
        pairs = self._pairs
        np.add(self.pixels[1:, :, ::2], self.pixels[1:, :, 1::2], out=pairs[:, 1:-1])
        pairs[:, 0], pairs[:, -1] = pairs[:, 1], pairs[:, -2]
        rows = pairs[:, :-1] + pairs[:, 1:]
        rows = rows[:, :-1] + rows[:, 1:]
        rows = rows[:, ::2] + rows[:, 1::2]  # weights 1, 3, 3, 1
        rows *= np.float32(1 / 16)
        np.add(rows, _HALF, out=planes[height:].reshape(rows.shape), casting="unsafe")
        return planes


def _towards(pixels: Pixels, distance: int, fraction: float, out: Pixels) -> None:
    """Interpolate each pixel by ``fraction`` towards the pixel ``distance`` positions later in the flat array."""
    flat, moved = pixels.reshape(-1), out.reshape(-1)[:-distance]
    np.subtract(flat[distance:], flat[:-distance], out=moved)
    moved *= np.float32(fraction)
    moved += flat[:-distance]


def patches(strokes: Sequence[Stroke], height: int, width: int) -> list[Patch]:
    """Return the patch of each stroke in an image of ``height`` x ``width`` pixels.

    The patch of a stroke outside the image is empty. Strokes with the same brush and of similar size are computed
    together, padded to a common size.
    """
    boxes = np.array([stroke.box for stroke in strokes]).reshape(-1, 4)
    wests, easts = _span(boxes[:, 0], boxes[:, 2], width)
    norths, souths = _span(boxes[:, 1], boxes[:, 3], height)
    numbers = np.array([(*stroke.numbers, stroke.alpha) for stroke in strokes], np.float32).reshape(-1, 6)
    colours = np.array([stroke.colour for stroke in strokes], np.float32).reshape(-1, 3, 1, 1)
    rows = [slice(north, south) for north, south in zip(norths.tolist(), souths.tolist(), strict=True)]
    columns = [slice(west, east) for west, east in zip(wests.tolist(), easts.tolist(), strict=True)]
    heights, widths = _padded(souths - norths).tolist(), _padded(easts - wests).tolist()
    groups = defaultdict[tuple[Brush, int, int], list[int]](list)
    for index, stroke in enumerate(strokes):
        groups[stroke.brush, heights[index], widths[index]].append(index)
    result: list[Patch] = [None] * len(strokes)  # type: ignore[list-item]  # the loop below sets all elements
    for (brush, tall, wide), members in groups.items():
        count = max(_PIXELS_AT_ONCE // max(tall * wide, 1), 1)
        for group in (members[first : first + count] for first in range(0, len(members), count)):
            dx = np.arange(0.5, wide) + (wests[group] - boxes[group, 0])[:, None]
            dy = np.arange(0.5, tall) + (norths[group] - boxes[group, 1])[:, None]
            arguments = np.ascontiguousarray(numbers[group].T)[:, :, None, None]
            alphas = brush(dx.astype(np.float32)[:, None, :], dy.astype(np.float32)[:, :, None], arguments[:5])
            alphas *= arguments[5]
            for index, alpha in zip(group, alphas, strict=True):
                down, across = rows[index], columns[index]
                part = alpha[: down.stop - down.start, : across.stop - across.start]
                result[index] = Patch(down, across, part, colours[index])
    return result


def _span(
    centres: npt.NDArray[np.float64], reaches: npt.NDArray[np.float64], size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first and the last (exclusive) pixel within ``reaches`` + 1 of ``centres``, clipped to ``size``.

    The two are equal if there is no such pixel.
    """
    first = np.clip((centres - reaches - 1).astype(np.int64), 0, size)
    return first, np.clip((centres + reaches + 1).astype(np.int64) + 1, first, size)


def _padded(size: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the size to which strokes of ``size`` pixels are padded: the next multiple of 4, or of 16 above 32."""
    step = np.where(size > 32, 16, 4)
    return (size + step - 1) // step * step
