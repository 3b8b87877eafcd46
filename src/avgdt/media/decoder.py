"""Decoding of packets to frames, and the frames of a video in presentation order."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from itertools import chain, islice, tee
from pathlib import Path
from typing import Any, Literal

import av.error
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from avgdt.media.container import AnyStream, tick
from avgdt.media.damage import LONGEST_DELAY, ONE_FRAME_A_PACKET, Damage, DamagedError
from avgdt.media.errors import Corrupt, Encrypted
from avgdt.media.seek import PacketRun


class Decoder:
    """A decoder of one stream that continues after a rejected packet and records the reason for the rejection.

    Raises ``Encrypted`` for an encrypted packet.
    """

    def __init__(self, path: Path, stream: Stream) -> None:
        self.path = path
        self.kind = stream.type
        self.context: CodecContext = stream.codec_context
        self.decoded = 0
        self.refused = 0
        self.refusal = ""
        self._skipped = ""  # a copy of context.skip_frame, which is slow to read

    def video(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        """Decode a packet and return the frames that it completes; for ``None``, return the remaining frames."""
        assert isinstance(self.context, VideoCodecContext)
        frames: list[VideoFrame] = []
        with self._refusals(packet):
            frames = self.context.decode(packet)
        self.decoded += len(frames)
        return frames

    def audio(self, packet: Packet[AudioStream] | None) -> list[AudioFrame]:
        """Decode a packet and return the blocks of samples that it completes; for ``None``, the remaining blocks."""
        assert isinstance(self.context, AudioCodecContext)
        frames: list[AudioFrame] = []
        with self._refusals(packet):
            frames = self.context.decode(packet)
        self.decoded += len(frames)
        return frames

    @contextmanager
    def _refusals(self, packet: Packet[Any] | None) -> Iterator[None]:
        """Record the reason why a packet is rejected and suppress its error, so that decoding continues."""
        if packet is not None and packet.has_sidedata("encryption_info"):
            raise Encrypted(self.path, f"its {self.kind} is encrypted")  # an encrypted packet would be decoded to noise
        try:
            yield
        except (av.error.FFmpegError, MemoryError) as error:
            self.refused += 1
            self.refusal = getattr(error, "strerror", None) or str(error)

    def check(self) -> None:
        """Raise ``Corrupt`` if nothing was decoded."""
        if not self.decoded:
            raise Corrupt(self.path, f"none of its {self.kind} can be decoded ({self.refusal or 'no data'})")

    def skip_non_reference(self, skip: bool) -> None:
        """Set whether non-reference frames, on which no other frame depends, are skipped without decoding."""
        setting: Literal["NONREF", "DEFAULT"] = "NONREF" if skip else "DEFAULT"
        if self._skipped != setting:
            self.context.skip_frame = self._skipped = setting


SHORTEST_STEP = 0.03  # minimum frame interval assumed by the following limits, in seconds
GAP_FRAMES = 5  # gap in decoding time above which packets may be missing, in frame intervals
LEAP_FRAMES = 20  # gap in presentation time above which packets may be missing, in frame intervals
FAR_FRAMES = 100  # gap between two frames above which a time stamp may be damaged, in frame intervals


class BackwardsError(Exception):
    """Raised if the time stamps of a video decrease from frame to frame in presentation order."""


class MissingError(Exception):
    """Raised if a decoding pass that skips frames may give a wrong result, because packets may be missing."""


@dataclass(frozen=True, eq=False)
class _Ticket:
    """A serial number attached to a packet and its frame; PyAV needs a separate object for each packet."""

    serial: int
    """Serial number of the packet."""


@dataclass(frozen=True)
class PresentedFrame:
    """A decoded frame in presentation order."""

    stamp: int
    """Presentation time stamp of the frame."""
    frame: VideoFrame
    """The decoded frame."""
    undamaged: bool
    """Whether the frame and all frames on which it may depend are undamaged."""
    after_undamaged_frame: bool
    """Whether an undamaged frame precedes it; a pass with an earlier start would then give the same frame."""

    @property
    def end(self) -> int:
        """End time stamp: the time stamp of the frame plus its duration, or ``stamp`` if the duration is unknown."""
        return self.stamp + max(0, self.frame.duration or 0)


class FrameIterator:
    """Iterator over the frames of a packet run in presentation order.

    With ``skip``, non-reference frames before the requested one are not decoded. The iterator ends early if only a pass
    with an earlier start can determine the time stamp of a frame or whether it is damaged. Raises ``BackwardsError``,
    and with ``skip`` also ``MissingError``.
    """

    def __init__(self, decoder: Decoder, run: PacketRun, skip: bool = False) -> None:
        self._decoder = decoder
        self._run = run
        self._skip = skip
        self.damage = Damage(
            in_order=run.stamps.decoding,
            complete=decoder.context.name in ONE_FRAME_A_PACKET,
            delayed=run.stamps.may_run_backwards,
        )
        self._frames = self._decode()
        stream = run.container.video
        assert stream is not None
        self._step = max(run.stamps.step, round(SHORTEST_STEP / tick(stream)))
        self._last: int | None = None  # time stamp of the last frame
        self._ahead = deque[PresentedFrame]()
        self._latest: float = -math.inf  # the latest presentation time stamp of a packet
        self._decoded_to: float = -math.inf  # the latest decoding time stamp of a packet that was decoded

    def __iter__(self) -> Iterator[PresentedFrame]:
        return self

    def __next__(self) -> PresentedFrame:
        return self._ahead.popleft() if self._ahead else next(self._frames)

    def check(self, frame: PresentedFrame, limit: int) -> None:
        """Raise ``DamagedError`` if ``frame`` is damaged or is not the frame on screen at the time stamp ``limit``.

        This method must be called after the following frame was taken from the iterator. It reads ahead while
        frames with time stamps up to ``limit`` may still follow, because missing packets can delay frames.
        """
        if not frame.undamaged:
            raise DamagedError(frame.stamp)
        while (self._decoded_to <= limit or self.damage.pending(frame.stamp, limit)) and (
            following := next(self._frames, None)
        ) is not None:
            self._ahead.append(following)
        if self._ahead_of(limit) and (following := next(self._frames, None)) is not None:
            self._ahead.append(following)
        self.damage.check(frame.stamp, limit)

    def _is_gap(self, first: Packet[VideoStream], then: Packet[VideoStream], following: Packet[VideoStream]) -> bool:
        """Return whether packets are missing between ``first`` and ``then``, in a gap too long for dropped frames.

        ``following`` is the packet after ``then``; it is used because the file position of ``then`` is invalid after
        damage.
        """
        step = self._step
        decoding = first.dts is not None and then.dts is not None and then.dts - first.dts > GAP_FRAMES * step
        # Decoding times may be estimates.
        presentation = then.pts is not None and -math.inf < self._latest < then.pts - LEAP_FRAMES * step
        return (decoding or presentation) and self._run.container.lost_between(first, following)

    def _ahead_of(self, limit: int) -> bool:
        """Return whether the last frame is so much later than ``limit`` that its time stamp may be wrong."""
        return self._last is not None and self._last > limit + FAR_FRAMES * self._step

    def _decode(self) -> Iterator[PresentedFrame]:
        run, decoder, damage = self._run, self._decoder, self.damage
        after_undamaged_frame = reordered = False
        both = run.container.demuxer.format.name.startswith("mov")  # MOV and MP4 store both time stamps if they differ
        serial, last_serial = 0, -1
        previous: Packet[VideoStream] | None = None
        packets, *_ = tee(run.packets, 1)  # a tee iterator can be copied to look ahead
        end: int | None = None  # time stamp of the last packet
        cut: int | None = None  # time stamp of the last packet, if it is truncated by the end of the file
        for packet, following in with_next(packets):
            due: int | None = None
            at_end = following is None
            if packet is not None:
                serial += 1
                packet.opaque = _Ticket(serial)
                pts, dts = packet.pts, packet.dts
                early = self._skip and run.first is not None and pts is not None and pts < run.first
                decoder.skip_non_reference(early and not at_end)
                at = run.stamps.due(packet)
                due = None if early or packet.is_discard or not packet.size else at
                if previous is not None and self._is_gap(previous, packet, following or packet):
                    lost = run.stamps.due(previous)
                    # Frames with later presentation times may already have been decoded.
                    lost = lost if lost is None else round(max(lost, self._latest))
                    damage.refused(serial, None if lost is None else lost + run.stamps.step)
                damage.fed(serial, due)
                previous = packet
                if self._skip and run.uneven(dts, self._decoded_to):
                    raise MissingError
                if dts is not None and dts > self._decoded_to:
                    self._decoded_to = dts
                reordered = reordered or pts is None or pts < self._latest or (both and pts != dts)
                self._latest = self._latest if pts is None else max(self._latest, pts)
                last_serial, end = (serial, at) if at_end else (-1, None)
            before = decoder.refused
            frames = decoder.video(packet)
            if packet is not None and (decoder.refused > before or packet.is_corrupt):
                if self._last is None and not run.from_start:
                    return  # the packet may depend on frames before this pass
                if at_end:
                    cut = end
                else:
                    damage.refused(serial, None if frames else due)
            for frame in frames:
                ticket = frame.opaque
                number = ticket.serial if isinstance(ticket, _Ticket) else serial
                stamp = run.stamps.frame(frame, self._last)
                if stamp is None and run.from_start:
                    stamp = 0
                if stamp is None or (self._last is None and not run.from_start and not frame.key_frame):
                    return
                if end is not None and self._last is None and not run.from_start and end < stamp:
                    return  # the last packet precedes this keyframe, so only a pass with an earlier start can decode it
                if self._last is not None and stamp < self._last:
                    behind = chain([] if following is None else [following], islice(copy(packets), LONGEST_DELAY))
                    if run.stamps.may_run_backwards and not reordered and _in_order(behind, self._latest):
                        raise BackwardsError  # the packets have only decoding time stamps
                    damage.late(number, stamp)
                    continue
                undamaged = damage.returned(number, stamp, frame.is_corrupt, frame.key_frame)
                cut = stamp if number == last_serial and not undamaged else cut
                if cut is not None and stamp >= cut and (self._last is not None or not run.from_start):
                    return
                self._last = stamp
                yield PresentedFrame(stamp, frame, undamaged, after_undamaged_frame)
                after_undamaged_frame = after_undamaged_frame or undamaged
        damage.ended()


def _in_order(packets: Iterable[Packet[VideoStream]], latest: float) -> bool:
    """Return whether the presentation time stamps of packets after ``latest`` increase in decoding order."""
    for packet in packets:
        if packet.pts is None or packet.pts < latest:
            return False
        latest = packet.pts
    return True


def with_next(
    packets: Iterator[Packet[AnyStream]],
) -> Iterator[tuple[Packet[AnyStream] | None, Packet[AnyStream] | None]]:
    """Yield pairs of a packet and the next packet; the last pair is (None, None), which flushes the decoder."""
    packet = next(packets, None)
    while packet is not None:
        following = next(packets, None)
        yield packet, following
        packet = following
    yield None, None
