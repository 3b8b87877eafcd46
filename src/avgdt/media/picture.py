"""Frames by presentation time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from avgdt.media.approach import Approach, approach
from avgdt.media.decoding import Decoder
from avgdt.media.errors import NoVideo
from avgdt.media.orientation import orientation
from avgdt.media.scaling import Scaler
from avgdt.media.source import Source, tick
from avgdt.media.stamps import Stamps

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


@dataclass(frozen=True)
class _Size:
    height: int
    width: int
    grey: bool


class _BackwardsError(Exception):
    """Frames in the order of presentation have time stamps in another order."""


_Found = dict[int, tuple[int, NDArray[np.uint8]]]  # asked tick -> its frame's time stamp and pixels


class Picture:
    """The picture of a source: any frames by time."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._scaler = Scaler(source.path)
        self._backwards = False  # whether time stamps were seen to run backwards

    def frames(self, times: Sequence[float], zero: float, height: int, width: int, grey: bool) -> Frames:
        """The frame on screen at each time: the last with a time stamp at or before it, else the first."""
        stream = self._source.video
        if stream is None:
            raise NoVideo(self._source.path, "it has no picture")
        base = tick(stream)
        limits = [math.floor((t + zero + ROUNDING) / base) for t in times]
        found: _Found = {}
        for span in _spans(sorted(set(limits)), round(NEW_SEEK_SECONDS / base)):
            found |= self._span(span, max(1, round(1 / base)), _Size(height, width, grey))
        chosen = [found[limit] for limit in limits]
        pixels = np.empty((len(chosen), height, width, 1 if grey else 3), dtype=np.uint8)
        for i, (_, frame) in enumerate(chosen):
            pixels[i] = frame
        return Frames(pixels, np.array([float(pts * base) - zero for pts, _ in chosen], dtype=np.float64))

    def first(self) -> First:
        """The first frame that is presented; raises ``Unsupported``, ``Encrypted``, ``Corrupt``."""
        self._source.rewind()
        assert self._source.video is not None
        decoder = Decoder(self._source.path, self._source.video)
        everything = Approach(
            packets=self._source.packets(self._source.video),
            stamps=Stamps.of(self._source.video, self._backwards),
            first=None,
            from_start=True,
        )
        head = next(_frames(decoder, everything, skip=False), None)
        if head is None:
            decoder.check()
            raise AssertionError("a decoder that gave frames gave a first one")
        pts, frame = head
        sideways = orientation(frame).sideways
        return First(
            time=float(pts * tick(self._source.video)),
            width=frame.height if sideways else frame.width,
            height=frame.width if sideways else frame.height,
        )

    def first_time(self) -> float:
        """Container time in seconds of the first frame that is presented."""
        return self.first().time

    def _span(self, limits: list[int], second: int, size: _Size) -> _Found:
        """Read one span, decoding more and from further back for as long as its first frame does not come out whole."""
        attempts = [(0, True), (0, False), *((second << k, False) for k in range(13)), (2**62, False)]
        for back, skip in attempts:
            way = approach(self._source, limits[0], back, second, self._backwards)
            skip = skip and way.first is not None
            assert self._source.video is not None
            decoder = Decoder(self._source.path, self._source.video)
            try:
                found = self._pick(_frames(decoder, way, skip), way, skip, limits, size)
            except _BackwardsError:
                self._backwards = True
                return self._span(limits, second, size)
            if found:
                return found
            if way.from_start and not skip:
                break
        decoder.check()
        raise AssertionError("a decoder that gave frames from the start gave one to pick")

    def _pick(
        self, frames: Iterator[tuple[int, VideoFrame]], way: Approach, skip: bool, limits: list[int], size: _Size
    ) -> _Found:
        """The frame on screen at each limit; nothing if the first of them is not the right one for sure."""
        found: _Found = {}
        shown: tuple[int, VideoFrame] | None = None
        following = next(frames, None)
        for limit in limits:
            fresh = False
            while following is not None and (shown is None or following[0] <= limit):
                shown, fresh = following, True
                following = next(frames, None)
            if shown is None or (not found and not _trusted(shown, way, skip, limit)):
                return {}
            if fresh or not found:
                pixels = self._scaler.scale(shown[1], size.height, size.width, size.grey)
            found[limit] = (shown[0], pixels)
        return found


def _trusted(shown: tuple[int, VideoFrame], way: Approach, skip: bool, limit: int) -> bool:
    """Whether the first frame picked is surely the one on screen and whole."""
    if skip:
        return shown[0] == way.first
    return way.from_start or (shown[0] <= limit and not shown[1].is_corrupt)


def _frames(decoder: Decoder, way: Approach, skip: bool) -> Iterator[tuple[int, VideoFrame]]:
    """Frames with their time stamps; those that no other needs are dropped before the first wanted one."""
    last: int | None = None
    for packet in chain(way.packets, (None,)):  # None drains the decoder
        if packet is not None:
            early = skip and way.first is not None and packet.pts is not None and packet.pts < way.first
            decoder.skip_non_reference(early)
        for frame in decoder.video(packet):
            stamp = way.stamps.frame(frame, last)
            if stamp is None and way.from_start:
                stamp = 0
            if stamp is None or (last is None and not way.from_start and not frame.key_frame):
                return  # its place can be counted, or its decoding started, only further back
            if last is not None and stamp < last and way.stamps.may_run_backwards:
                raise _BackwardsError
            last = stamp
            yield stamp, frame


def _spans(limits: list[int], gap: int) -> Iterator[list[int]]:
    """Runs of ``limits`` without a hole larger than ``gap``."""
    start = 0
    for i in range(1, len(limits) + 1):
        if i == len(limits) or limits[i] - limits[i - 1] > gap:
            yield limits[start:i]
            start = i
