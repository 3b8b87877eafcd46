"""Seeking: the packet from which decoding must start to give the frame or samples at a time, and packet time stamps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from math import inf

from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from avgdt.media.container import SEQUENTIAL_BYTES, Container, tick


@dataclass(frozen=True)
class VideoTimestamps:
    """Presentation time stamps of the packets and frames of one video stream, also where the container has none.

    AVI and some muxers of other formats store decoding time stamps alone: with B-frames, the stamps of frames in
    presentation order then run backwards. There a frame gets the decoding time stamp at which the decoder returned it,
    less the decoder's constant delay. Raw streams have no time stamps: their frames are counted.
    """

    decoding: bool
    """Whether the container stores decoding time stamps only."""
    delay: int
    """Time stamp units from a frame's presentation to the decoding stamp at which the decoder gives it."""
    step: int
    """Time stamp units of one frame at the average rate."""
    may_run_backwards: bool
    """Whether stamps that run backwards would mean that they are decoding time stamps."""

    @classmethod
    def of(cls, stream: VideoStream, backwards: bool) -> VideoTimestamps:
        """The rules for the time stamps of a stream; ``backwards``: whether they decrease."""
        rate = stream.average_rate or stream.guessed_rate
        step = max(1, round(1 / (rate * tick(stream)))) if rate else 1
        depth = stream.codec_context.reorder_depth
        decoding = stream.container.format.name == "avi" or (backwards and depth > 0)
        return cls(decoding, depth * step if decoding else 0, step, depth > 0 and not decoding)

    def presented(self, packet: Packet[VideoStream]) -> int | None:
        """The presentation time stamp, where the container stores it."""
        return None if self.decoding else packet.pts

    def timestamp(self, packet: Packet[VideoStream]) -> int | None:
        """The presentation time stamp, else the decoding time stamp."""
        presented = self.presented(packet)
        return packet.dts if presented is None else presented

    def due(self, packet: Packet[VideoStream]) -> int | None:
        """The time stamp at which the frame of this packet should appear; ``None`` where it is unknown."""
        if self.decoding:
            return None if packet.dts is None else packet.dts - self.delay
        return packet.pts

    def frame(self, frame: VideoFrame, last: int | None) -> int | None:
        """A frame's presentation time stamp, given that of the frame before; ``None`` where it is unknown."""
        if self.decoding:
            known = None if frame.dts is None else frame.dts - self.delay
        else:
            known = frame.pts if frame.pts is not None else frame.dts
        return last + self.step if known is None and last is not None else known


LOOK_AHEAD_BYTES = 2**26
EVERYTHING = 2**62  # time stamp units: seeking back this far means the start of the file


@dataclass(frozen=True)
class PacketRun:
    """The packets from a keyframe on from which the frame on screen at a given time is decoded."""

    container: Container
    """The container they are read from."""
    packets: Iterator[Packet[VideoStream]]
    """The packets from the keyframe to the end of the file."""
    stamps: VideoTimestamps
    """The time stamps of the packets and their frames."""
    first: int | None
    """Time stamp of the frame on screen at the given time, if it can be derived from the packets."""
    step: int | None
    """Decoding time from packet to packet up to the given time, if it is constant, so that no packet seems missing."""
    from_start: bool
    """Whether these are all packets of the file, so that seeking further back is impossible."""

    def uneven(self, dts: int | None, before: float) -> bool:
        """Whether the step from the packet before to this one is longer than ``step``."""
        return dts is None or self.step is None or -math.inf < before < dts - 1.5 * self.step - 2


def seek_packets(container: Container, moment: int, back: int, second: int, backwards: bool) -> PacketRun:
    """The packets from the last keyframe at or before ``moment - back`` on, or from the first keyframe.

    ``moment``, ``back`` and ``second`` (one second) are in the video stream's time stamp units; ``backwards`` says
    whether its stamps run backwards.
    """
    while True:
        from_start = _go_to(container, moment - back, back)
        stream = container.video  # a new object after a rewind
        assert stream is not None
        stamps = VideoTimestamps.of(stream, backwards)
        rest = container.packets(stream)
        ahead, complete = _look_ahead(rest, moment)
        timestamps = [stamps.timestamp(packet) for packet in ahead]
        keys = [i for i, at in enumerate(timestamps) if at is not None and at <= moment and ahead[i].is_keyframe]
        if keys or from_start:
            # The last keyframe is enough, but an attempt further back must start from an earlier one.
            early = [i for i in keys if back < EVERYTHING and (timestamps[i] or 0) <= moment - back]
            start = early[-1] if early else keys[0] if keys else 0
            return PacketRun(
                container=container,
                packets=chain(ahead[start:], rest),
                stamps=stamps,
                step=_step(ahead[start:]),
                first=_on_screen(ahead, stamps, moment) if complete else None,
                from_start=from_start and start == (keys[0] if keys else 0),
            )
        # Containers without an index (MPEG streams) seek by bytes and may land past the keyframe; raw streams without
        # time stamps are read from the start.
        back = max(second, 2 * back) if any(at is not None for at in timestamps) or not ahead else EVERYTHING


def _go_to(container: Container, ticks: int, back: int) -> bool:
    """Seek to a keyframe at or before ``ticks``; True if reading starts at the first packet."""
    stream = container.video
    assert stream is not None
    start = stream.start_time or 0
    if stream.duration is not None:
        ticks = min(ticks, start + stream.duration - back)
    if back < EVERYTHING and ticks > start and container.seek(stream, ticks):
        return False
    container.rewind()
    return True


def _look_ahead(packets: Iterator[Packet[VideoStream]], moment: int) -> tuple[list[Packet[VideoStream]], bool]:
    """Packets up to the first that is decoded after ``moment``, and whether the packets are complete up to it.

    No later packet is presented at or before ``moment``.
    """
    ahead: list[Packet[VideoStream]] = []
    size = 0
    for packet in packets:
        ahead.append(packet)
        size += packet.size
        order = packet.dts if packet.dts is not None else packet.pts
        if order is not None and order > moment:
            break
        if size > LOOK_AHEAD_BYTES:
            return ahead, False
    return ahead, True


def _on_screen(packets: list[Packet[VideoStream]], stamps: VideoTimestamps, moment: int) -> int | None:
    """The latest presentation time stamp at or before ``moment``, if all packets have one."""
    presented = [stamps.presented(packet) for packet in packets]
    if None in presented:
        return None
    displayed = (at for at, packet in zip(presented, packets, strict=True) if not packet.is_discard)
    return max((at for at in displayed if at is not None and at <= moment), default=None)


def _step(packets: list[Packet[VideoStream]]) -> int | None:
    """The step of the decoding time stamps, if all are known and it is constant up to rounding."""
    stamps = [packet.dts for packet in packets if packet.dts is not None]
    steps = [later - earlier for earlier, later in pairwise(stamps)]
    if len(stamps) < len(packets) or not steps or max(steps) >= 1.5 * min(steps) + 2:
        return None
    return min(steps)


FROM_START_SECONDS = 5.0
"""Positions up to this time are read from the first packet if the decoder does not forget.

In the segments after it, synthetic noise of a decoder differs from that of a sequential decode.
"""

_FORGETTING = {
    "alac": 0.25,
    "flac": 0.25,
    "mp3": 0.25,  # depends on up to ten earlier blocks
    "mp3float": 0.25,
    "opus": 2.0,  # predicts each band's energy from the block before, at worst with a factor of 0.9 per 2.5 ms
    "tta": 0.25,
    "vorbis": 0.25,
    "wavpack": 0.25,
}
_OTHERWISE = 0.25
_RUNNING = ("dpcm", "g72")  # parts of the names of decoders that accumulate differences


@dataclass(frozen=True)
class Preroll:
    """Audio that is decoded and discarded before a position, so that samples equal those of a sequential decode.

    Some decoders forget: after a short time, nothing depends on where decoding began. Others never do: AAC and AC-3
    fill bands with noise from one running generator, MP2 dithers, WMA carries exponents over, ADPCM and G.72x
    accumulate differences. Such a stream is read from the first packet, where that is near, and later in segments
    that always start at the same positions: a sample depends on its position alone, not on the requested span.
    """

    seconds: float
    """Seconds of audio decoded before a position that is not read from the first packet."""
    from_start: float
    """Positions up to so many seconds after the first packet are read from there; none at -inf."""
    memory: float
    """Seconds for which a damaged packet affects the samples after it."""

    @classmethod
    def of(cls, decoder: str, size: int) -> Preroll:
        """The pre-roll of a decoder, by name, in a file of ``size`` bytes."""
        if any(name in decoder for name in _RUNNING) and not decoder.startswith("pcm_"):
            return cls(_OTHERWISE, inf if size <= SEQUENTIAL_BYTES else FROM_START_SECONDS, inf)
        if decoder.startswith("pcm_"):
            return cls(_OTHERWISE, -inf, 0.0)
        seconds = _FORGETTING.get(decoder, _OTHERWISE)
        return cls(seconds, -inf if decoder in _FORGETTING else FROM_START_SECONDS, seconds)


_HEADER = b"\x01vorbis"
_SIZES = 28  # the byte of the identification header that holds both block sizes, as powers of two


@dataclass(frozen=True)
class VorbisBlocks:
    """The two block sizes of a Vorbis stream, from which the time stamps of its packets are computed.

    A block is long or short and overlaps its neighbours: a packet gives a quarter of its own block and a quarter of
    the one before. An Ogg page gives only the end of its last packet; within a page, FFmpeg stamps a short block after
    a long one late by a quarter of their difference, and some encoders stamp a whole page wrongly. Players join what is
    decoded, whatever the pages say.
    """

    short: int
    """Samples of a short block."""
    long: int
    """Samples of a long block."""

    @classmethod
    def of(cls, stream: AudioStream) -> VorbisBlocks | None:
        """The block sizes of a stream; ``None`` if it is not Vorbis or its stamps are coarser than samples."""
        context = stream.codec_context
        header = context.extradata or b""
        at = header.find(_HEADER) + _SIZES
        if context.name != "vorbis" or tick(stream) * stream.sample_rate != 1 or not _SIZES <= at < len(header):
            return None
        return cls(1 << (header[at] & 15), 1 << (header[at] >> 4))

    def size(self, duration: int | None, before: int | None) -> int | None:
        """A packet's block size, from FFmpeg's duration and the previous block size; ``None`` at a trimmed end.

        FFmpeg may assume a short block before a short one where it is long, but never before a long one.
        """
        if duration == self.short // 2:
            return self.short
        if duration == self.long // 2:
            return self.long
        if duration == (self.short + self.long) // 4:
            return self.short if before == self.long else self.long
        return None

    def counted(self, packets: Iterator[Packet[AudioStream]]) -> Iterator[Packet[AudioStream]]:
        """The packets, each stamped with the end of the one before, unless it comes more than half a block later."""
        end: int | None = None
        before: int | None = None
        for packet in packets:
            block = self.size(packet.duration, before)
            if packet.pts is not None:
                if end is None or packet.pts - end > self.long // 2:
                    end = packet.pts  # the first, or a gap
                packet.pts = packet.dts = end
                end += (packet.duration or 0) if before is None or block is None else (before + block) // 4
            before = block
            yield packet
