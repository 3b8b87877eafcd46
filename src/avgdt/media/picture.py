"""Frames by presentation time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avgdt.media.approach import Approach, approach
from avgdt.media.decoding import Decoder
from avgdt.media.errors import NoVideo
from avgdt.media.orientation import orientation
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
class First:
    """The first frame that is presented."""

    time: float
    """Container time in seconds."""
    width: int
    """Pixels, upright."""
    height: int
    """Pixels, upright."""


_Found = dict[int, tuple[int, NDArray[np.uint8]]]  # asked tick -> its frame's time stamp and pixels
_Result = TypeVar("_Result")


class Picture:
    """The picture of a source: any frames by time."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._scaler = Scaler(source.path)
        self._backwards = False  # whether time stamps were seen to run backwards

    @property
    def _stream(self) -> VideoStream:
        if self._source.video is None:
            raise NoVideo(self._source.path, "it has no picture")
        return self._source.video

    def frames(self, times: Sequence[float], zero: float, height: int, width: int, grey: bool) -> Frames:
        """The frame on screen at each time: the last with a time stamp at or before it, else the first."""
        base = tick(self._stream)
        limits = [math.floor((t + zero + ROUNDING) / base) for t in times]

        def scale(one: Shown) -> NDArray[np.uint8]:
            return self._scaler.scale(one.frame, height, width, grey)

        found: _Found = {}
        for span in _spans(sorted(set(limits)), round(NEW_SEEK_SECONDS / base)):
            found |= self._from(span[0], lambda frames, sure, span=span: _pick(frames, sure, span, scale))
        chosen = [found[limit] for limit in limits]
        pixels = np.empty((len(chosen), height, width, 1 if grey else 3), dtype=np.uint8)
        for i, (_, frame) in enumerate(chosen):
            pixels[i] = frame
        return Frames(pixels, np.array([float(pts * base) - zero for pts, _ in chosen], dtype=np.float64))

    def first(self) -> First:
        """The first frame that is presented; raises ``Unsupported``, ``Encrypted``, ``Corrupt``."""
        one = self._from(-(2**62), lambda frames, sure: next(frames, None))
        sideways = orientation(one.frame).sideways
        return First(
            time=float(one.stamp * tick(self._stream)),
            width=one.frame.height if sideways else one.frame.width,
            height=one.frame.width if sideways else one.frame.height,
        )

    def first_time(self) -> float:
        """Container time in seconds of the first frame that is presented."""
        return self.first().time

    def last_end(self) -> float:
        """Container time in seconds at which the last frame that can be decoded disappears."""
        step = 1 / self._stream.average_rate if self._stream.average_rate else tick(self._stream)
        moment = math.ceil(self._source.end(self._stream) / tick(self._stream))
        one = self._from(moment, lambda frames, sure: max(frames, key=lambda shown: shown.stamp, default=None))
        return float((one.end if one.end > one.stamp else one.stamp + step / tick(self._stream)) * tick(self._stream))

    def _from(self, moment: int, read: Callable[[Iterator[Shown], Callable[[Shown], bool]], _Result | None]) -> _Result:
        """What ``read`` makes of the frames from the one on screen at ``moment`` on.

        It decodes more, and from further back, for as long as ``read`` gives nothing; ``read`` is also told how to
        know whether a frame is surely the one on screen and whole. Raises ``Unsupported``, ``Encrypted``, ``Corrupt``.
        """
        second = max(1, round(1 / tick(self._stream)))
        attempts = [(0, True), (0, False), *((second << k, False) for k in range(13)), (2**62, False)]
        while True:
            for back, skip in attempts:
                way = approach(self._source, moment, back, second, self._backwards)
                skip = skip and way.first is not None
                decoder = Decoder(self._source.path, self._stream)
                try:
                    result = read(shown(decoder, way, skip), _sure(way, skip, moment))
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


def _sure(way: Approach, skip: bool, moment: int) -> Callable[[Shown], bool]:
    """Whether a frame is surely the one on screen at ``moment`` and whole."""
    if skip:
        return lambda one: one.stamp == way.first
    return lambda one: way.from_start or (one.stamp <= moment and not one.frame.is_corrupt)


def _pick(
    frames: Iterator[Shown],
    sure: Callable[[Shown], bool],
    limits: list[int],
    scale: Callable[[Shown], NDArray[np.uint8]],
) -> _Found | None:
    """The frame on screen at each limit; nothing if the first of them is not surely the right one."""
    found: _Found = {}
    current: Shown | None = None
    following = next(frames, None)
    for limit in limits:
        new = False
        while following is not None and (current is None or following.stamp <= limit):
            current, new = following, True
            following = next(frames, None)
        if current is None or (not found and not sure(current)):
            return None
        if new:
            pixels = scale(current)
        found[limit] = (current.stamp, pixels)
    return found


def _spans(limits: list[int], gap: int) -> Iterator[list[int]]:
    """Runs of ``limits`` without a hole larger than ``gap``."""
    start = 0
    for i in range(1, len(limits) + 1):
        if i == len(limits) or limits[i] - limits[i - 1] > gap:
            yield limits[start:i]
            start = i
