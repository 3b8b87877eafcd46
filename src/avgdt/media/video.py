"""Video frames by presentation time."""

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

from avgdt.media.container import Container, tick
from avgdt.media.damage import DamagedError
from avgdt.media.decoder import BackwardsError, Decoder, FrameIterator, MissingError, PresentedFrame
from avgdt.media.errors import Corrupt, NoVideo, Unsupported
from avgdt.media.scaling import Scaler, orientation
from avgdt.media.seek import EVERYTHING, PacketsFromKeyframe, packets_before


@dataclass(frozen=True)
class SelectedFrame:
    """The frame on screen at an asked time."""

    stamp: int
    """Its time stamp."""
    pixels: NDArray[np.uint8]
    """(height, width, channels)."""
    end: int | None
    """Time stamp at which it disappears, where it is the last of the stream."""


FramesByTick = dict[int, SelectedFrame]  # by the asked tick


def acceptance(way: PacketsFromKeyframe, skip: bool, moment: int) -> Callable[[PresentedFrame], bool]:
    """Whether a frame is surely the one on screen at ``moment`` and whole, or cannot be had better."""
    if skip:
        return lambda one: one.stamp == way.first and (one.whole or one.settled)
    return lambda one: way.from_start or (one.stamp <= moment and (one.whole or one.settled))


def select(
    frames: FrameIterator,
    sure: Callable[[PresentedFrame], bool],
    limits: list[int],
    scale: Callable[[PresentedFrame], NDArray[np.uint8]],
) -> FramesByTick | None:
    """The frame on screen at each limit; nothing if the first of them is not surely the right one.

    Raises ``DamagedError`` where that frame is not whole, or is not the one that should be there.
    """
    found: FramesByTick = {}
    current: PresentedFrame | None = None
    following = next(frames, None)
    for limit in limits:
        new = False
        while following is not None and (current is None or following.stamp <= limit):
            current, new = following, True
            following = next(frames, None)
        if current is None or (not found and not sure(current)):
            return None
        frames.check(current, limit)
        if new:
            pixels = scale(current)
        found[limit] = SelectedFrame(current.stamp, pixels, current.end if following is None else None)
    return found


def runs_of(limits: list[int], gap: int) -> Iterator[list[int]]:
    """Runs of ``limits`` without a hole larger than ``gap``."""
    start = 0
    for i in range(1, len(limits) + 1):
        if i == len(limits) or limits[i] - limits[i - 1] > gap:
            yield limits[start:i]
            start = i


NEW_SEEK_SECONDS = 5.0  # asked times further apart than this are read by separate seeks
KEEPS_HEADERS = frozenset({"h264", "hevc"})  # decoders that keep the parameter sets met in one place for all others
ROUNDING = 1e-6  # seconds: covers the rounding of i / rate in floating point


@dataclass(frozen=True)
class Frames:
    """Frames on screen at the asked times."""

    pixels: NDArray[np.uint8]
    """(time, height, width, channels) uint8; channels are red, green, blue, or one grey."""
    times: NDArray[np.float64]
    """(time,) true presentation times in seconds."""
    end: float | None = None
    """When the stream ended, where that was before the last of the asked times; from there on its last frame stands."""


@dataclass(frozen=True)
class AllFrames:
    """All displayed frames in presentation order."""

    pixels: NDArray[np.uint8]
    """(time, height, width, channels) uint8; channels are red, green, blue, or one grey."""
    stamps: NDArray[np.int64]
    """(time,) presentation time stamps."""
    tick: Fraction
    """Seconds of one time stamp unit."""
    zero: float
    """Container time in seconds of the recording's zero."""
    end: Fraction
    """Time stamp at which the last frame disappears."""


@dataclass(frozen=True)
class FirstFrame:
    """The first frame that is presented."""

    time: float
    """Container time in seconds."""
    width: int
    """Pixels, upright."""
    height: int
    """Pixels, upright."""


_Result = TypeVar("_Result")
_Read = Callable[[FrameIterator, Callable[[PresentedFrame], bool]], _Result | None]


class VideoReader:
    """The picture of a source: any frames by time."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._scaler = Scaler(container.path)
        self._disturbed = False  # whether the decoder may keep traces of the last read
        self._backwards = False  # whether this read saw time stamps run backwards

    @property
    def stream(self) -> VideoStream:
        """The stream; raises ``NoVideo``, ``Unsupported``."""
        if self._container.video is None:
            raise NoVideo(self._container.path, "it has no picture")
        if self._container.video.codec_context is None:
            raise Unsupported(self._container.path, "no decoder for its video codec")
        return self._container.video

    def frames(self, times: Sequence[float], zero: float, height: int, width: int, grey: bool) -> Frames:
        """The frame on screen at each time: the last with a time stamp at or before it, else the first."""
        base = tick(self.stream)
        if times:
            self._container.check_known("video", max(times) + zero, zero)
        limits = [math.floor((t + zero + ROUNDING) / base) for t in times]

        def scale(one: PresentedFrame) -> NDArray[np.uint8]:
            return self._scaler.scale(one.frame, height, width, grey)

        found: FramesByTick = {}
        try:
            for span in runs_of(sorted(set(limits)), round(NEW_SEEK_SECONDS / base)):
                found |= self._from(span[0], partial(select, limits=span, scale=scale))
        except DamagedError as error:
            raise self._damaged(error, zero) from None
        chosen = [found[limit] for limit in limits]
        pixels = np.empty((len(chosen), height, width, 1 if grey else 3), dtype=np.uint8)
        for i, one in enumerate(chosen):
            pixels[i] = one.pixels
        shown = np.array([float(one.stamp * base) - zero for one in chosen], dtype=np.float64)
        return Frames(pixels, shown, self._end_before(max(limits), found, zero) if limits else None)

    def all_frames(self, zero: float, height: int, width: int, grey: bool) -> AllFrames:
        """Every frame from the first on; raises ``Corrupt`` where any is damaged."""

        def read(
            frames: FrameIterator, sure: Callable[[PresentedFrame], bool]
        ) -> list[tuple[PresentedFrame, NDArray[np.uint8]]] | None:
            found = list[tuple[PresentedFrame, NDArray[np.uint8]]]()
            for one in frames:
                if found:
                    frames.check(found[-1][0], one.stamp - 1)
                found.append((one, self._scaler.scale(one.frame, height, width, grey)))
            if found:
                frames.check(found[-1][0], EVERYTHING)
            return found or None

        base = tick(self.stream)
        self._container.check_known("video", math.inf, zero)
        try:
            shown = self._from(-EVERYTHING, read, skipping=False)
        except DamagedError as error:
            raise self._damaged(error, zero) from None
        last, _ = shown[-1]
        stamps = np.array([one.stamp for one, _ in shown], dtype=np.int64)
        return AllFrames(np.stack([pixels for _, pixels in shown]), stamps, base, zero, self._end(last.stamp, last.end))

    def _damaged(self, error: DamagedError, zero: float) -> Corrupt:
        at = float(error.stamp * tick(self.stream)) - zero
        return Corrupt(self._container.path, f"its video is damaged at {at:.1f} s")

    def _end_before(self, limit: int, found: FramesByTick, zero: float) -> float | None:
        """When the stream ends, where that is before ``limit``, the last of the asked ticks."""
        last = found[limit]
        if last.end is None:
            return None
        end = self._end(last.stamp, last.end)
        return float(end * tick(self.stream)) - zero if end <= limit else None

    def _end(self, stamp: int, end: int) -> Fraction:
        """Where a frame ends, in time stamp units: as its container says, else after one at the average rate."""
        rate = self.stream.average_rate
        return Fraction(end) if end > stamp else stamp + (1 / rate / tick(self.stream) if rate else Fraction(1))

    def first(self) -> FirstFrame:
        """The first frame that is presented; raises ``Unsupported``, ``Encrypted``, ``Corrupt``."""
        one = self._from(-EVERYTHING, lambda frames, sure: next(frames, None))
        sideways = orientation(one.frame).sideways
        return FirstFrame(
            time=float(one.stamp * tick(self.stream)),
            width=one.frame.height if sideways else one.frame.width,
            height=one.frame.width if sideways else one.frame.height,
        )

    def first_time(self) -> float:
        """Container time in seconds of the first frame that is presented."""
        return self.first().time

    def last_end(self) -> float:
        """Container time in seconds at which the last undamaged frame disappears."""
        moment = math.ceil(self._container.end("video") / tick(self.stream))
        stamp, end = self._from(moment, _last, skipping=False)
        return float(self._end(stamp, end) * tick(self.stream))

    def _from(self, moment: int, read: _Read[_Result], skipping: bool = True) -> _Result:
        """What ``read`` makes of the frames from the one on screen at ``moment`` on.

        It decodes more, and from further back, for as long as ``read`` gives nothing; ``read`` is also told how to
        know whether a frame is surely the one on screen and whole. ``skipping`` leaves frames that no other needs
        undecoded before that one. Raises ``Unsupported``, ``Encrypted``, ``Corrupt``.
        """
        self._backwards = False
        second = max(1, round(1 / tick(self.stream)))
        attempts = [(0, skipping), (0, False), *((second << k, False) for k in range(13)), (EVERYTHING, False)]
        while True:
            for back, skip in attempts:
                if self._disturbed:
                    self._container.rewind()
                way = packets_before(self._container, moment, back, second, self._backwards)
                # A decoder that lacks a frame replaces it by others, perhaps by one that would be left out; and dav1d
                # settles when it is opened which frames it leaves out: it would go on to leave them out.
                skip = skip and way.first is not None and way.step is not None
                skip = skip and self.stream.codec_context.name != "libdav1d"
                decoder = Decoder(self._container.path, self.stream)
                walk = FrameIterator(decoder, way, skip)
                try:
                    result = read(walk, acceptance(way, skip, moment))
                except MissingError:
                    continue
                except BackwardsError:
                    self._backwards = True
                    break
                finally:
                    headers = decoder.context.name in KEEPS_HEADERS
                    self._disturbed = headers or decoder.refused > 0 or walk.damage.met
                if result is not None:
                    return result
                if way.from_start and not skip:
                    decoder.check()
                    raise Corrupt(self._container.path, "all of its video is damaged")
            else:
                raise AssertionError("the last attempt reads from the start")


def _last(frames: FrameIterator, sure: Callable[[PresentedFrame], bool]) -> tuple[int, int] | None:
    """Start and end of the last undamaged frame."""
    return max(((one.stamp, one.end) for one in frames if one.whole), default=None)
