"""Vorbis packets, stamped by counting their samples.

A Vorbis block is long or short and overlaps its neighbours: a packet gives a quarter of its own block and a quarter of
the one before. An Ogg page says only where its last packet ends, and within a page FFmpeg stamps a short block after a
long one late by a quarter of their difference; some encoders place a whole page wrongly. Players join what is decoded,
whatever pages say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from av.audio.stream import AudioStream
from av.packet import Packet

from avgdt.media.source import tick

_HEADER = b"\x01vorbis"
_SIZES = 28  # the byte of the identification header that holds both block sizes, as powers of two


@dataclass(frozen=True)
class Blocks:
    """The two block sizes of a Vorbis stream whose time stamps count samples."""

    short: int
    """Samples of a short block."""
    long: int
    """Samples of a long block."""

    @classmethod
    def of(cls, stream: AudioStream) -> Blocks | None:
        """Those of a stream; ``None`` where it is no Vorbis or its stamps are coarser than samples."""
        context = stream.codec_context
        header = context.extradata or b""
        at = header.find(_HEADER) + _SIZES
        if context.name != "vorbis" or tick(stream) * stream.sample_rate != 1 or not _SIZES <= at < len(header):
            return None
        return cls(1 << (header[at] & 15), 1 << (header[at] >> 4))

    def size(self, duration: int | None, before: int | None) -> int | None:
        """A packet's block, from the duration that FFmpeg says and the block before; ``None`` at a trimmed end.

        FFmpeg may take the block before a short one to be short too, never so before a long one.
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
