"""Seeking: packet time stamps, and the packet at which decoding must start for the frame or samples at a given time."""

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
    """Presentation time stamps of the packets and frames of one video stream, computed if the container has none.

    AVI, and some muxers of other formats, store only decoding time stamps. With B-frames, decoding time stamps decrease
    between some frames in presentation order. In such a container, a frame gets the decoding time stamp at which the
    decoder returned it, minus the constant delay of the decoder. In raw streams without time stamps, frames are
    numbered.
    """

    decoding: bool
    """Whether the container stores only decoding time stamps."""
    delay: int
    """Delay of the decoder: decoding time stamp at which it returns a frame, minus the presentation time stamp."""
    step: int
    """Duration of one frame at the average frame rate, in time stamp units."""
    may_run_backwards: bool
    """Whether frames are stored in an order other than that of presentation. Decreasing time stamps are then decoding
    time stamps."""

    @classmethod
    def of(cls, stream: VideoStream, backwards: bool) -> VideoTimestamps:
        """Return the rules for the time stamps of a stream; ``backwards`` states whether they decrease."""
        rate = stream.average_rate or stream.guessed_rate
        step = max(1, round(1 / (rate * tick(stream)))) if rate else 1
        depth = stream.codec_context.reorder_depth
        decoding = stream.container.format.name == "avi" or (backwards and depth > 0)
        return cls(decoding, depth * step if decoding else 0, step, depth > 0 and not decoding)

    def presentation_timestamp(self, packet: Packet[VideoStream]) -> int | None:
        """Return the presentation time stamp of a packet; ``None`` if the container does not store it."""
        return None if self.decoding else packet.pts

    def timestamp(self, packet: Packet[VideoStream]) -> int | None:
        """Return the presentation time stamp of a packet, else its decoding time stamp."""
        presentation = self.presentation_timestamp(packet)
        return packet.dts if presentation is None else presentation

    def due(self, packet: Packet[VideoStream]) -> int | None:
        """Return the time stamp at which the frame of a packet should appear; ``None`` if it is unknown."""
        if self.decoding:
            return None if packet.dts is None else packet.dts - self.delay
        return packet.pts

    def frame(self, frame: VideoFrame, last: int | None) -> int | None:
        """Return the presentation time stamp of a frame; ``None`` if it is unknown.

        ``last`` is the time stamp of the preceding frame, from which an unknown time stamp is estimated.
        """
        if self.decoding:
            known = None if frame.dts is None else frame.dts - self.delay
        else:
            known = frame.pts if frame.pts is not None else frame.dts
        return last + self.step if known is None and last is not None else known


LOOK_AHEAD_BYTES = 2**26
"""Maximum total size of the packets that are read ahead to find the frame on screen, in bytes."""
EVERYTHING = 2**62
"""Number of time stamp units that exceeds the duration of any file; seeking back this far reaches the start."""


@dataclass(frozen=True)
class PacketRun:
    """A run of packets that starts at a keyframe, from which the frame on screen at a given time is decoded."""

    container: Container
    """Container from which the packets are read."""
    packets: Iterator[Packet[VideoStream]]
    """Packets from the keyframe to the end of the file."""
    stamps: VideoTimestamps
    """Rules for the time stamps of the packets and their frames."""
    first: int | None
    """Time stamp of the frame on screen at the given time; ``None`` if the packets do not determine it."""
    step: int | None
    """Constant step between decoding time stamps up to the given time, in time stamp units; ``None`` if it varies."""
    from_start: bool
    """Whether the run starts at the first keyframe of the file; no run can start earlier."""

    def uneven(self, dts: int | None, before: float) -> bool:
        """Return whether packets may be missing between two successive decoding time stamps ``before`` and ``dts``."""
        return dts is None or self.step is None or -math.inf < before < dts - 1.5 * self.step - 2


def seek_packets(container: Container, moment: int, back: int, second: int, backwards: bool) -> PacketRun:
    """Return the packets from the last keyframe at or before ``moment - back`` on, or from the first keyframe.

    ``moment``, ``back`` and ``second`` (the length of one second) are in time stamp units of the video stream.
    ``backwards`` states whether time stamps decrease between frames in presentation order.
    """
    while True:
        from_start = _go_to(container, moment - back, back)
        stream = container.video  # the stream object is new after a rewind
        assert stream is not None
        stamps = VideoTimestamps.of(stream, backwards)
        rest = container.packets(stream)
        ahead, complete = _look_ahead(rest, moment)
        timestamps = [stamps.timestamp(packet) for packet in ahead]
        keys = [i for i, at in enumerate(timestamps) if at is not None and at <= moment and ahead[i].is_keyframe]
        if keys or from_start:
            # The last keyframe suffices, but an attempt with a larger ``back`` must start at an earlier one.
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
        # In containers without an index, such as MPEG streams, a seek by bytes may end after the keyframe. Raw streams
        # without time stamps are read from the start.
        back = max(second, 2 * back) if any(at is not None for at in timestamps) or not ahead else EVERYTHING


def _go_to(container: Container, ticks: int, back: int) -> bool:
    """Seek to a keyframe at or before the time stamp ``ticks``; return whether reading starts at the first packet."""
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
    """Read packets up to the first one decoded after ``moment``, as later packets are presented after ``moment``.

    Returns the packets, and whether that packet was reached within ``LOOK_AHEAD_BYTES`` or the packets ended.
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
    """Return the latest presentation time stamp at or before ``moment``; ``None`` unless all packets have one."""
    presented = [stamps.presentation_timestamp(packet) for packet in packets]
    if None in presented:
        return None
    displayed = (at for at, packet in zip(presented, packets, strict=True) if not packet.is_discard)
    return max((at for at in displayed if at is not None and at <= moment), default=None)


def _step(packets: list[Packet[VideoStream]]) -> int | None:
    """Return the step between decoding time stamps; ``None`` if the step varies or a time stamp is unknown."""
    stamps = [packet.dts for packet in packets if packet.dts is not None]
    steps = [later - earlier for earlier, later in pairwise(stamps)]
    if len(stamps) < len(packets) or not steps or max(steps) >= 1.5 * min(steps) + 2:
        return None
    return min(steps)


FROM_START_SECONDS = 5.0
"""Time after the first packet, in seconds, up to which decoders that keep state start at the first packet.

Later audio is decoded in segments, in which the synthetic noise of a decoder differs from the noise in
sequential decoding.
"""

_FORGETTING = {
    "alac": 0.25,
    "flac": 0.25,
    "mp3": 0.25,  # a block depends on up to ten earlier blocks
    "mp3float": 0.25,
    "opus": 2.0,  # a block predicts band energies from the preceding one, with a factor of up to 0.9 per 2.5 ms
    "tta": 0.25,
    "vorbis": 0.25,
    "wavpack": 0.25,
}
_OTHERWISE = 0.25
_RUNNING = ("dpcm", "g72")  # substrings of the names of decoders with a long-lived state: DPCM, ADPCM, G.72x


@dataclass(frozen=True)
class Preroll:
    """Rules for where audio decoding starts, so that samples do not depend on the requested span.

    The state of some decoders is short-lived: after a short time, samples do not depend on where decoding started. For
    these decoders, some audio before a position is decoded and discarded. Other decoders keep state: AAC and AC-3
    generate noise with one random number generator, MP2 dithers, WMA reuses exponents, and DPCM and the G.72x family
    predict from all previous samples. Streams of these decoders are decoded from the first packet if it is near, and
    otherwise in segments with fixed start positions.
    """

    seconds: float
    """Duration of the audio decoded before a position that is not read from the first packet, in seconds."""
    from_start: float
    """Time after the first packet, in seconds, up to which decoding starts at that packet; -inf for never."""
    memory: float
    """Time after a damaged packet during which samples may be affected, in seconds."""

    @classmethod
    def of(cls, decoder: str, size: int) -> Preroll:
        """Return the pre-roll of the decoder named ``decoder`` in a file of ``size`` bytes."""
        if any(name in decoder for name in _RUNNING) and not decoder.startswith("pcm_"):
            return cls(_OTHERWISE, inf if size <= SEQUENTIAL_BYTES else FROM_START_SECONDS, inf)
        if decoder.startswith("pcm_"):
            return cls(_OTHERWISE, -inf, 0.0)
        seconds = _FORGETTING.get(decoder, _OTHERWISE)
        return cls(seconds, -inf if decoder in _FORGETTING else FROM_START_SECONDS, seconds)


_HEADER = b"\x01vorbis"
_SIZES = 28  # index of the byte in the identification header with both block sizes, as exponents of two


@dataclass(frozen=True)
class VorbisBlocks:
    """The two block sizes of a Vorbis stream, from which the time stamps of its packets are computed.

    A block is long or short and overlaps its neighbours: the number of samples of a packet is a quarter of its block
    size plus a quarter of the preceding block size. An Ogg page stores only the end time of its last packet. Within a
    page, FFmpeg stamps a short block after a long one too late, by a quarter of the difference of their sizes. Some
    encoders stamp whole pages wrongly. Players ignore such time stamps and join the decoded blocks.
    """

    short: int
    """Size of a short block, in samples."""
    long: int
    """Size of a long block, in samples."""

    @classmethod
    def of(cls, stream: AudioStream) -> VorbisBlocks | None:
        """Return the block sizes of a stream; ``None`` if it is not Vorbis or a time stamp unit is not one sample."""
        context = stream.codec_context
        header = context.extradata or b""
        at = header.find(_HEADER) + _SIZES
        if context.name != "vorbis" or tick(stream) * stream.sample_rate != 1 or not _SIZES <= at < len(header):
            return None
        return cls(1 << (header[at] & 15), 1 << (header[at] >> 4))

    def size(self, duration: int | None, before: int | None) -> int | None:
        """Return the block size of a packet, from its duration in FFmpeg and the preceding block size ``before``.

        Returns ``None`` if the packet is trimmed, as at the end of a stream. For the duration of a short block, FFmpeg
        may assume that the preceding block is short although it is long.
        """
        if duration == self.short // 2:
            return self.short
        if duration == self.long // 2:
            return self.long
        if duration == (self.short + self.long) // 4:
            return self.short if before == self.long else self.long
        return None

    def restamp(self, packets: Iterator[Packet[AudioStream]]) -> Iterator[Packet[AudioStream]]:
        """Yield the packets, each stamped with the end of the preceding packet unless there is a gap.

        A time difference of more than half a long block is a gap.
        """
        end: int | None = None
        before: int | None = None
        for packet in packets:
            block = self.size(packet.duration, before)
            if packet.pts is not None:
                if end is None or packet.pts - end > self.long // 2:
                    end = packet.pts  # first packet, or packet after a gap
                packet.pts = packet.dts = end
                end += (packet.duration or 0) if before is None or block is None else (before + block) // 4
            before = block
            yield packet
