"""Audio packets to blocks of samples, and where they are damaged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

from avgdt.media.blocks import JITTER_SECONDS, Block
from avgdt.media.decoding import Decoder
from avgdt.media.downmix import Downmix
from avgdt.media.source import DROPPED_SECONDS, Source, with_next


@dataclass
class Reading:
    """One pass of audio decoding: yields blocks and records damaged spans."""

    decoder: Decoder
    base: float
    """Seconds of one time stamp unit."""
    source: Source
    """The file, which knows whether packets are missing."""
    memory: float
    """Seconds for which a damaged packet is heard in what follows."""
    damaged: list[tuple[float, float]] = field(default_factory=list)
    """From when to when the sound is not as it was encoded, in container time: packets were refused, gave no sound, or
    gave corrupt sound."""
    ended: bool = False
    """Whether all was read."""

    def frames(self, packets: Iterator[Packet[AudioStream]]) -> Iterator[AudioFrame]:
        """Decode packets to blocks of samples."""
        waiting: list[int] = []  # time stamps of packets since the last block
        last: Packet[AudioStream] | None = None
        end: float | None = None  # of the last block
        for packet, following in with_next(packets):
            at_end = following is None
            before = self.decoder.refused
            frames = self.decoder.audio(packet)
            refused = self.decoder.refused > before or (packet is not None and packet.is_corrupt)
            at = end if packet is None or packet.pts is None else packet.pts * self.base
            if refused and not at_end:  # the last packet of all may be cut off by the end of the file
                self._damage(at, float(packet.duration or 0) * self.base if packet is not None else 0.0)
            elif packet is not None and packet.pts is not None:
                waiting.append(packet.pts)
            for frame in frames:
                if frame.pts is not None:
                    begin = frame.pts * self.base
                    if end is None:  # a decoder that has given nothing yet carries nothing over
                        self.damaged = [(at, begin) for at, _ in self.damaged]
                    elif begin - end > JITTER_SECONDS:
                        after = following or packet
                        between = last is not None and after is not None and self.source.lost_between(last, after)
                        if between or (self.source.without_gaps and begin - end > DROPPED_SECONDS):
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

    def blocks(self, frames: Iterator[AudioFrame], rate: int, downmix: Downmix) -> Iterator[Block]:
        """The frames of this reading as blocks at ``rate``, each with whether damage was noted since the one before."""
        stretches = 0
        for frame in frames:
            yield Block(frame, rate, downmix, len(self.damaged) > stretches)
            stretches = len(self.damaged)

    def _damage(self, at: float | None, seconds: float = 0.0) -> None:
        self.damaged.append((-math.inf, math.inf) if at is None else (at, at + max(self.memory, seconds)))
