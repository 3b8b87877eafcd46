"""Reader of video frames by presentation time."""

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
from avgdt.media.seek import EVERYTHING, PacketRun, seek_packets

NEW_SEEK_SECONDS = 5.0  # difference in seconds between successive requested times above which a new seek is made
KEEPS_HEADERS = frozenset({"h264", "hevc"})  # decoders that keep parameter sets after a seek
ROUNDING = 1e-6
"""Tolerance of requested times, in seconds, for the rounding of floating-point numbers."""


@dataclass(frozen=True)
class SelectedFrame:
    """The frame on screen at a requested time."""

    stamp: int
    """Presentation time stamp of the frame."""
    pixels: NDArray[np.uint8]
    """(height, width, channels) uint8: pixels of the upright frame."""
    end: int | None
    """End time stamp (time stamp plus duration) if the frame is the last frame of the stream, else ``None``."""


FramesByTick = dict[int, SelectedFrame]  # frames by requested time stamp


def acceptance(run: PacketRun, skip: bool, moment: int) -> Callable[[PresentedFrame], bool]:
    """Return a predicate that is true if a frame is certainly the one that an earlier start would give at ``moment``.

    Without ``skip``, the predicate is also true for every frame of a run that starts at the first keyframe.
    """
    if skip:
        return lambda frame: frame.stamp == run.first and (frame.undamaged or frame.after_undamaged_frame)
    return lambda frame: run.from_start or (frame.stamp <= moment and (frame.undamaged or frame.after_undamaged_frame))


def select(
    frames: FrameIterator,
    accept: Callable[[PresentedFrame], bool],
    limits: list[int],
    scale: Callable[[PresentedFrame], NDArray[np.uint8]],
) -> FramesByTick | None:
    """Return the frame on screen at each time stamp of ``limits``; ``None`` if ``accept`` rejects the first frame.

    Raises ``DamagedError`` if a selected frame is damaged, or if a missing frame should be on screen in its place.
    """
    selected: FramesByTick = {}
    current: PresentedFrame | None = None
    following = next(frames, None)
    for limit in limits:
        new = False
        while following is not None and (current is None or following.stamp <= limit):
            current, new = following, True
            following = next(frames, None)
        if current is None or (not selected and not accept(current)):
            return None
        frames.check(current, limit)
        if new:
            pixels = scale(current)
        selected[limit] = SelectedFrame(current.stamp, pixels, current.end if following is None else None)
    return selected


def runs_of(limits: list[int], gap: int) -> Iterator[list[int]]:
    """Split the sorted time stamps ``limits`` wherever successive values differ by more than ``gap``."""
    start = 0
    for i in range(1, len(limits) + 1):
        if i == len(limits) or limits[i] - limits[i - 1] > gap:
            yield limits[start:i]
            start = i


@dataclass(frozen=True)
class Frames:
    """The frames on screen at the requested times."""

    pixels: NDArray[np.uint8]
    """(time, height, width, channels) uint8; channels are red, green and blue, or grey alone."""
    times: NDArray[np.float64]
    """(time,) float64: presentation times of the frames on the timeline of the recording, in seconds."""
    end: float | None = None
    """Time at which the stream ends, in seconds, if it ends before the last requested time.

    The last frame is repeated for requested times after the end.
    """


@dataclass(frozen=True)
class AllFrames:
    """All displayed frames of a recording, in presentation order."""

    pixels: NDArray[np.uint8]
    """(time, height, width, channels) uint8; channels are red, green and blue, or grey alone."""
    stamps: NDArray[np.int64]
    """(time,) int64: presentation time stamps of the frames, in units of ``tick``."""
    tick: Fraction
    """Duration of one time stamp unit, in seconds."""
    zero: float
    """Container time at which the timeline of the recording begins, in seconds."""
    end: Fraction
    """End time stamp of the last frame (its time stamp plus its duration), in units of ``tick``."""


@dataclass(frozen=True)
class FirstFrame:
    """Time and size of the first presented frame of a recording."""

    time: float
    """Container time at which the frame starts, in seconds."""
    width: int
    """Width of the upright frame, in pixels."""
    height: int
    """Height of the upright frame, in pixels."""


_Result = TypeVar("_Result")
_Read = Callable[[FrameIterator, Callable[[PresentedFrame], bool]], _Result | None]


class VideoReader:
    """Reader of the video frames of a container by presentation time."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._scaler = Scaler(container.path)
        self._disturbed = False  # whether the decoder may keep state from the last read
        self._backwards = False  # whether time stamps decreased between frames in this read

    @property
    def stream(self) -> VideoStream:
        """Video stream of the container; raises ``NoVideo`` if there is none, ``Unsupported`` if no decoder exists."""
        if self._container.video is None:
            raise NoVideo(self._container.path, "it has no video")
        if self._container.video.codec_context is None:
            raise Unsupported(self._container.path, "no decoder for its video codec")
        return self._container.video

    def frames(self, times: Sequence[float], zero: float, height: int, width: int, grey: bool) -> Frames:
        """Return the frame on screen at each of ``times``, as :meth:`avgdt.media.recording.Recording.frames` does.

        ``zero`` is the container time at which the timeline of the recording begins, in seconds.
        """
        base = tick(self.stream)
        if times:
            self._container.check_known("video", max(times) + zero, zero)
        limits = [math.floor((t + zero + ROUNDING) / base) for t in times]

        def scale(decoded: PresentedFrame) -> NDArray[np.uint8]:
            return self._scaler.scale(decoded.frame, height, width, grey)

        selected: FramesByTick = {}
        try:
            for span in runs_of(sorted(set(limits)), round(NEW_SEEK_SECONDS / base)):
                selected |= self._from(span[0], partial(select, limits=span, scale=scale))
        except DamagedError as error:
            raise self._damaged(error, zero) from None
        on_screen = [selected[limit] for limit in limits]
        pixels = np.empty((len(on_screen), height, width, 1 if grey else 3), dtype=np.uint8)
        for i, frame in enumerate(on_screen):
            pixels[i] = frame.pixels
        presented = np.array([float(frame.stamp * base) - zero for frame in on_screen], dtype=np.float64)
        return Frames(pixels, presented, self._end_before(max(limits), selected, zero) if limits else None)

    def all_frames(self, zero: float, height: int, width: int, grey: bool) -> AllFrames:
        """Decode all frames in presentation order; raise ``Corrupt`` if any frame is damaged."""

        def read(
            frames: FrameIterator, accept: Callable[[PresentedFrame], bool]
        ) -> list[tuple[PresentedFrame, NDArray[np.uint8]]] | None:
            frames_read = list[tuple[PresentedFrame, NDArray[np.uint8]]]()
            for presented in frames:
                if frames_read:
                    frames.check(frames_read[-1][0], presented.stamp - 1)
                frames_read.append((presented, self._scaler.scale(presented.frame, height, width, grey)))
            if frames_read:
                frames.check(frames_read[-1][0], EVERYTHING)
            return frames_read or None

        base = tick(self.stream)
        self._container.check_known("video", math.inf, zero)
        try:
            decoded = self._from(-EVERYTHING, read, skipping=False)
        except DamagedError as error:
            raise self._damaged(error, zero) from None
        last, _ = decoded[-1]
        stamps = np.array([presented.stamp for presented, _ in decoded], dtype=np.int64)
        return AllFrames(
            np.stack([pixels for _, pixels in decoded]), stamps, base, zero, self._end(last.stamp, last.end)
        )

    def _damaged(self, error: DamagedError, zero: float) -> Corrupt:
        at = float(error.stamp * tick(self.stream)) - zero
        return Corrupt(self._container.path, f"its video is damaged at {at:.1f} s")

    def _end_before(self, limit: int, selected: FramesByTick, zero: float) -> float | None:
        """Return the end of the stream, in seconds; ``None`` unless it is at or before the time stamp ``limit``."""
        last = selected[limit]
        if last.end is None:
            return None
        end = self._end(last.stamp, last.end)
        return float(end * tick(self.stream)) - zero if end <= limit else None

    def _end(self, stamp: int, end: int) -> Fraction:
        """Return the end of a frame in time stamp units; an unknown ``end`` is estimated from the frame rate."""
        rate = self.stream.average_rate
        return Fraction(end) if end > stamp else stamp + (1 / rate / tick(self.stream) if rate else Fraction(1))

    def first(self) -> FirstFrame:
        """Return the time and size of the first frame; raise ``Unsupported``, ``Encrypted`` or ``Corrupt``."""
        first = self._from(-EVERYTHING, lambda frames, accept: next(frames, None))
        sideways = orientation(first.frame).sideways
        return FirstFrame(
            time=float(first.stamp * tick(self.stream)),
            width=first.frame.height if sideways else first.frame.width,
            height=first.frame.width if sideways else first.frame.height,
        )

    def first_time(self) -> float:
        """Return the container time of the first presented frame, in seconds."""
        return self.first().time

    def last_end(self) -> float:
        """Return the container time at which the last undamaged frame ends, in seconds."""
        moment = math.ceil(self._container.end("video") / tick(self.stream))
        stamp, end = self._from(moment, _last, skipping=False)
        return float(self._end(stamp, end) * tick(self.stream))

    def _from(self, moment: int, read: _Read[_Result], skipping: bool = True) -> _Result:
        """Call ``read`` on the frames, starting with the one on screen at ``moment``; return its result.

        If ``read`` returns ``None``, it is called again with frames from an earlier start. The second argument of
        ``read`` is the predicate of :func:`acceptance`. With ``skipping``, non-reference frames before ``moment`` are
        not decoded. Raises ``Unsupported``, ``Encrypted`` or ``Corrupt``.
        """
        self._backwards = False
        second = max(1, round(1 / tick(self.stream)))
        attempts = [(0, skipping), (0, False), *((second << k, False) for k in range(13)), (EVERYTHING, False)]
        while True:
            for back, skip in attempts:
                if self._disturbed:
                    self._container.rewind()
                run = seek_packets(self._container, moment, back, second, self._backwards)
                # A decoder replaces a missing frame by another one, which must not be a skipped frame. dav1d reads the
                # setting only when it is opened, so it would skip frames to the end of the file.
                skip = skip and run.first is not None and run.step is not None
                skip = skip and self.stream.codec_context.name != "libdav1d"
                decoder = Decoder(self._container.path, self.stream)
                frames = FrameIterator(decoder, run, skip)
                try:
                    result = read(frames, acceptance(run, skip, moment))
                except MissingError:
                    continue
                except BackwardsError:
                    self._backwards = True
                    break
                finally:
                    headers = decoder.context.name in KEEPS_HEADERS
                    self._disturbed = headers or decoder.refused > 0 or frames.damage.met
                if result is not None:
                    return result
                if run.from_start and not skip:
                    decoder.check()
                    raise Corrupt(self._container.path, "all of its video is damaged")
            else:
                raise AssertionError("the last attempt reads from the start")


def _last(frames: FrameIterator, accept: Callable[[PresentedFrame], bool]) -> tuple[int, int] | None:
    """Return the time stamps of the start and end of the last undamaged frame; ``None`` if there is none."""
    return max(((frame.stamp, frame.end) for frame in frames if frame.undamaged), default=None)
