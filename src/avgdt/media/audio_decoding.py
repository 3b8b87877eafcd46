"""A single pass of audio decoding, which records the damaged time spans of the stream."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

from avgdt.media.container import DROPPED_SECONDS, Container
from avgdt.media.decoder import Decoder, with_next
from avgdt.media.downmix import Downmix
from avgdt.media.sample_grid import JITTER_SECONDS, AudioBlock


@dataclass
class AudioDecoding:
    """A single pass of audio decoding, which yields blocks of samples and records damaged time spans."""

    decoder: Decoder
    """Decoder of the audio stream."""
    base: float
    """Duration of one time stamp unit, in seconds."""
    container: Container
    """Container of the stream, used to determine whether packets are missing."""
    memory: float
    """Time after a damaged packet during which samples may be affected, in seconds."""
    damaged: list[tuple[float, float]] = field(default_factory=list)
    """Damaged spans as pairs of start and end, in seconds of container time.

    A span is damaged if its packet is missing, is rejected by the decoder, or yields no samples or corrupt samples.
    """
    ended: bool = False
    """Whether decoding has reached the end of the stream."""

    def frames(self, packets: Iterator[Packet[AudioStream]]) -> Iterator[AudioFrame]:
        """Decode packets into frames, which are blocks of samples, and record damaged spans."""
        waiting: list[int] = []  # time stamps of packets since the last block
        last: Packet[AudioStream] | None = None
        end: float | None = None  # end of the last block
        for packet, following in with_next(packets):
            at_end = following is None
            before = self.decoder.refused
            frames = self.decoder.audio(packet)
            refused = self.decoder.refused > before or (packet is not None and packet.is_corrupt)
            at = end if packet is None or packet.pts is None else packet.pts * self.base
            if refused and not at_end:  # the last packet of the stream may be truncated by the end of the file
                self._damage(at, float(packet.duration or 0) * self.base if packet is not None else 0.0)
            elif packet is not None and packet.pts is not None:
                waiting.append(packet.pts)
            for frame in frames:
                if frame.pts is not None:
                    begin = frame.pts * self.base
                    if end is None:  # before its first block, a decoder has no state that damage could affect
                        self.damaged = [(at, begin) for at, _ in self.damaged]
                    elif begin - end > JITTER_SECONDS:
                        after = following or packet
                        between = last is not None and after is not None and self.container.lost_between(last, after)
                        if between or (self.container.is_contiguous and begin - end > DROPPED_SECONDS):
                            self._damage(end, begin - end + self.memory)
                        for stamp in waiting:
                            if end - JITTER_SECONDS <= stamp * self.base < begin - JITTER_SECONDS:
                                self._damage(stamp * self.base)
                    end = begin + frame.samples / frame.sample_rate
                    waiting = [stamp for stamp in waiting if stamp > frame.pts]
                if frame.is_corrupt:
                    self._damage(end)
                yield frame
            last = packet or last
        self.ended = True

    def blocks(self, frames: Iterator[AudioFrame], rate: int, downmix: Downmix) -> Iterator[AudioBlock]:
        """Yield the frames as blocks at ``rate``; ``after_damage`` marks the first block after recorded damage."""
        recorded = 0
        for frame in frames:
            yield AudioBlock(frame, rate, downmix, len(self.damaged) > recorded)
            recorded = len(self.damaged)

    def _damage(self, at: float | None, seconds: float = 0.0) -> None:
        self.damaged.append((-math.inf, math.inf) if at is None else (at, at + max(self.memory, seconds)))


def from_last_key(packets: Iterator[Packet[AudioStream]], tick: float) -> Iterator[Packet[AudioStream]]:
    """Yield the packets from the last keyframe at or before the time stamp ``tick`` on."""
    held: list[Packet[AudioStream]] = []
    for packet in packets:
        if packet.pts is None or packet.pts > tick:
            yield from held
            yield packet
            yield from packets
            return
        if packet.is_keyframe:
            held.clear()
        held.append(packet)
    yield from held
