"""Presentation time stamps of packets and frames, also where the container has none."""

from __future__ import annotations

from dataclasses import dataclass

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from avgdt.media.source import tick


@dataclass(frozen=True)
class Stamps:
    """How the packets and frames of one video stream are stamped.

    AVI and some writers of other containers store when a frame is decoded, not when it is shown: with frames that are
    decoded ahead of their turn, stamps run backwards. There a frame is stamped with the decoding time stamp at which
    the decoder gave it, which is in the order of presentation, less the decoder's constant delay. Raw streams have no
    stamps at all: their frames are counted.
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
    def of(cls, stream: VideoStream, backwards: bool) -> Stamps:
        """The stamps of a stream, given whether they were seen to run backwards."""
        rate = stream.average_rate or stream.guessed_rate
        step = max(1, round(1 / (rate * tick(stream)))) if rate else 1
        depth = stream.codec_context.reorder_depth
        decoding = stream.container.format.name == "avi" or (backwards and depth > 0)
        return cls(decoding, depth * step if decoding else 0, step, depth > 0 and not decoding)

    def presented(self, packet: Packet[VideoStream]) -> int | None:
        """The presentation time stamp, where the container stores it."""
        return None if self.decoding else packet.pts

    def place(self, packet: Packet[VideoStream]) -> int | None:
        """The presentation time stamp, else the decoding time stamp."""
        presented = self.presented(packet)
        return packet.dts if presented is None else presented

    def due(self, packet: Packet[VideoStream]) -> int | None:
        """The stamp at which a frame should appear for this packet; ``None`` where nothing tells it."""
        if self.decoding:
            return None if packet.dts is None else packet.dts - self.delay
        return packet.pts

    def frame(self, frame: VideoFrame, last: int | None) -> int | None:
        """A frame's presentation time stamp, given that of the frame before; ``None`` where nothing tells it."""
        if self.decoding:
            known = None if frame.dts is None else frame.dts - self.delay
        else:
            known = frame.pts if frame.pts is not None else frame.dts
        return last + self.step if known is None and last is not None else known
