"""Frames by presentation time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TypeVar

import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avgdt.media.approach import EVERYTHING, approach
from avgdt.media.decoding import Decoder
from avgdt.media.errors import NoVideo, Unsupported
from avgdt.media.orientation import orientation
from avgdt.media.picking import Found, pick, spans_of, sure_of
from avgdt.media.scaling import Scaler
from avgdt.media.shown import BackwardsError, Shown, shown
from avgdt.media.source import Source, tick

NEW_SEEK_SECONDS = 5.0  # asked times further apart than this are read by separate seeks
ROUNDING = 1e-6  # seconds: covers the rounding of i / rate in floating point


@dataclass(frozen=True)
class Frames:
    """Frames on screen at the asked times."""

    pixels: NDArray[np.uint8]
    """(time, height, width, channels) uint8; channels are red, green, blue, or one grey."""
    times: NDArray[np.float64]
    """(time,) true presentation times in seconds."""


@dataclass(frozen=True)
class AllFrames:
    """Every frame that is presented, in order."""

    pixels: NDArray[np.uint8]
    """(time, height, width, channels) uint8; channels are red, green, blue, or one grey."""
    stamps: NDArray[np.int64]
    """(time,) presentation time stamps."""
    tick: Fraction
    """Seconds of one time stamp unit."""
    zero: float
    """Container time in seconds of the recording's zero."""


@dataclass(frozen=True)
class First:
    """The first frame that is presented."""

    time: float
    """Container time in seconds."""
    width: int
    """Pixels, upright."""
    height: int
    """Pixels, upright."""


_Result = TypeVar("_Result")


class Picture:
    """The picture of a source: any frames by time."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._scaler = Scaler(source.path)
        self._decoder: Decoder | None = None  # the last read's, which knows what it refused
        self._backwards = False  # whether time stamps were seen to run backwards

    @property
    def stream(self) -> VideoStream:
        """The stream; raises ``NoVideo``, ``Unsupported``."""
        if self._source.video is None:
            raise NoVideo(self._source.path, "it has no picture")
        if self._source.video.codec_context is None:
            raise Unsupported(self._source.path, "no decoder for its video codec")
        return self._source.video

    def frames(self, times: Sequence[float], zero: float, height: int, width: int, grey: bool) -> Frames:
        """The frame on screen at each time: the last with a time stamp at or before it, else the first."""
        base = tick(self.stream)
        limits = [math.floor((t + zero + ROUNDING) / base) for t in times]

        def scale(one: Shown) -> NDArray[np.uint8]:
            return self._scaler.scale(one.frame, height, width, grey)

        found: Found = {}
        for span in spans_of(sorted(set(limits)), round(NEW_SEEK_SECONDS / base)):
            found |= self._from(span[0], partial(pick, limits=span, scale=scale))
        chosen = [found[limit] for limit in limits]
        pixels = np.empty((len(chosen), height, width, 1 if grey else 3), dtype=np.uint8)
        for i, (_, frame) in enumerate(chosen):
            pixels[i] = frame
        return Frames(pixels, np.array([float(pts * base) - zero for pts, _ in chosen], dtype=np.float64))

    def all_frames(self, zero: float, height: int, width: int, grey: bool) -> AllFrames:
        """Every frame from the first on."""

        def read(frames: Iterator[Shown], sure: Callable[[Shown], bool]) -> list[tuple[int, NDArray[np.uint8]]] | None:
            return [(one.stamp, self._scaler.scale(one.frame, height, width, grey)) for one in frames] or None

        found = self._from(-EVERYTHING, read)
        stamps = np.array([stamp for stamp, _ in found], dtype=np.int64)
        return AllFrames(np.stack([pixels for _, pixels in found]), stamps, tick(self.stream), zero)

    def check(self) -> None:
        """Raise ``Corrupt`` if the last read met more packets that cannot be decoded than frames."""
        if self._decoder is not None:
            self._decoder.check()

    def first(self) -> First:
        """The first frame that is presented; raises ``Unsupported``, ``Encrypted``, ``Corrupt``."""
        one = self._from(-EVERYTHING, lambda frames, sure: next(frames, None))
        sideways = orientation(one.frame).sideways
        return First(
            time=float(one.stamp * tick(self.stream)),
            width=one.frame.height if sideways else one.frame.width,
            height=one.frame.width if sideways else one.frame.height,
        )

    def first_time(self) -> float:
        """Container time in seconds of the first frame that is presented."""
        return self.first().time

    def last_end(self) -> float:
        """Container time in seconds at which the last frame that can be decoded disappears."""
        step = 1 / self.stream.average_rate if self.stream.average_rate else tick(self.stream)
        moment = math.ceil(self._source.end("video") / tick(self.stream))
        one = self._from(moment, lambda frames, sure: max(frames, key=lambda shown: shown.stamp, default=None))
        return float((one.end if one.end > one.stamp else one.stamp + step / tick(self.stream)) * tick(self.stream))

    def _from(self, moment: int, read: Callable[[Iterator[Shown], Callable[[Shown], bool]], _Result | None]) -> _Result:
        """What ``read`` makes of the frames from the one on screen at ``moment`` on.

        It decodes more, and from further back, for as long as ``read`` gives nothing; ``read`` is also told how to
        know whether a frame is surely the one on screen and whole. Raises ``Unsupported``, ``Encrypted``, ``Corrupt``.
        """
        second = max(1, round(1 / tick(self.stream)))
        attempts = [(0, True), (0, False), *((second << k, False) for k in range(13)), (EVERYTHING, False)]
        while True:
            for back, skip in attempts:
                way = approach(self._source, moment, back, second, self._backwards)
                skip = skip and way.first is not None
                decoder = self._decoder = Decoder(self._source.path, self.stream)
                try:
                    result = read(shown(decoder, way, skip), sure_of(way, skip, moment))
                except BackwardsError:
                    self._backwards = True
                    break
                if result is not None:
                    return result
                if way.from_start and not skip:
                    decoder.check()
                    raise AssertionError("a decoder that gave frames from the start gave one to read")
            else:
                raise AssertionError("the last attempt reads from the start")
