"""A decoded frame to an upright array of the asked size, in one pass of libswscale."""

from __future__ import annotations

from pathlib import Path

import av.error
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.typing import NDArray

from avgdt.media.errors import Unsupported
from avgdt.media.orientation import orientation


class Scaler:
    """Scales, converts colours and turns frames; keeps one libswscale context for its whole life."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reformatter = VideoReformatter()

    def scale(self, frame: VideoFrame, height: int, width: int, grey: bool) -> NDArray[np.uint8]:
        """(height, width, channels) uint8 in full range; raises ``Unsupported`` for formats without a conversion."""
        turn = orientation(frame)
        if turn.sideways:
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
        return turn.apply(np.asarray(pixels, dtype=np.uint8))
