"""Conversion of decoded frames to scaled upright arrays in RGB or grey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av.error
import numpy as np
from av.buffer import Buffer
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.typing import NDArray

from avgdt.media.errors import Unsupported


@dataclass(frozen=True)
class Orientation:
    """A mirroring and a rotation that make a decoded frame upright."""

    mirrored: bool = False
    """Whether left and right are swapped before the rotation."""
    turns: int = 0
    """Number of counter-clockwise quarter turns, 0 to 3."""

    @property
    def sideways(self) -> bool:
        """Whether the rotation swaps height and width."""
        return self.turns % 2 == 1

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Mirror and rotate a frame (height, width, channels)."""
        if self.mirrored:
            pixels = pixels[:, ::-1]
        return np.rot90(pixels, self.turns) if self.turns else pixels


UPRIGHT = Orientation()


def orientation(frame: VideoFrame) -> Orientation:
    """Return the orientation given by the display matrix of a frame, rounded to quarter turns."""
    side_data = cast(Mapping[Type, Buffer], frame.side_data).get(Type.DISPLAYMATRIX)
    if side_data is None:
        return UPRIGHT
    matrix = np.frombuffer(bytes(side_data), dtype=np.int32)
    if matrix.size != 9:
        return UPRIGHT
    # (x', y') = (a x + c y, b x + d y) with y downwards, as in ISO/IEC 14496-12.
    a, b, c, d = (float(matrix[i]) for i in (0, 1, 3, 4))
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    # x' and y' may be scaled differently; for a damaged matrix, this gives the rotation that players apply.
    a, b = a / (np.hypot(a, c) or 1.0), b / (np.hypot(b, d) or 1.0)
    turns = round(np.degrees(np.arctan2(-b, a)) / 90) % 4
    return Orientation(mirrored, int(turns))


class Scaler:
    """Converter of decoded frames to scaled upright arrays in RGB or grey, with one libswscale context."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reformatter = VideoReformatter()

    def scale(self, frame: VideoFrame, height: int, width: int, grey: bool) -> NDArray[np.uint8]:
        """Return an upright frame as (height, width, channels) uint8 in full range.

        Raises ``Unsupported`` if the pixel format cannot be converted.
        """
        upright = orientation(frame)
        if upright.sideways:
            height, width = width, height
        try:
            scaled = self._reformatter.reformat(
                frame,
                width=width,
                height=height,
                format="gray" if grey else "rgb24",
                dst_color_range=ColorRange.JPEG,
                threads=1,
            )
        except (av.error.FFmpegError, ValueError, MemoryError) as error:
            raise Unsupported(self._path, f"frames of format {frame.format.name} cannot be converted") from error
        pixels = scaled.to_ndarray().reshape(height, width, -1)
        return upright.apply(np.asarray(pixels, dtype=np.uint8))
