"""The way to a moment of the picture: which packets to decode so that its frame comes out whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise

from av.packet import Packet
from av.video.stream import VideoStream

from avgdt.media.source import Source
from avgdt.media.stamps import Stamps

LOOK_AHEAD_BYTES = 2**26
EVERYTHING = 2**62  # time stamp units: going back so far is going to the start


@dataclass(frozen=True)
class Approach:
    """Packets from a keyframe on that lead to the frame on screen at some moment."""

    source: Source
    """The file."""
    packets: Iterator[Packet[VideoStream]]
    """From the keyframe to the end of the file."""
    stamps: Stamps
    """How the packets and their frames are stamped."""
    first: int | None
    """Time stamp of the frame on screen at that moment, where the packets tell it."""
    step: int | None
    """From one packet to the next up to that moment, if they come evenly, so that none seems to be missing."""
    from_start: bool
    """Whether these are all packets of the file, so that nothing better can be had."""

    def uneven(self, dts: int | None, before: float) -> bool:
        """Whether a packet comes later after the one before than those on the way did."""
        return dts is None or self.step is None or -math.inf < before < dts - 1.5 * self.step - 2


def approach(source: Source, moment: int, back: int, second: int, backwards: bool) -> Approach:
    """The packets from the last keyframe at or before ``moment - back``, where there is one, on.

    ``moment``, ``back`` and ``second`` (one second) are in the video stream's time stamp units; ``backwards`` says
    whether its stamps were seen to run backwards.
    """
    while True:
        from_start = _go_to(source, moment - back, back)
        stream = source.video  # a new one after going to the start
        assert stream is not None
        stamps = Stamps.of(stream, backwards)
        rest = source.packets(stream)
        ahead, complete = _look_ahead(rest, moment)
        places = [stamps.place(packet) for packet in ahead]
        keys = [i for i, at in enumerate(places) if at is not None and at <= moment and ahead[i].is_keyframe]
        if keys or from_start:
            # The last keyframe will do, but a second attempt that goes back must not end at the same one.
            early = [i for i in keys if back < EVERYTHING and (places[i] or 0) <= moment - back]
            start = early[-1] if early else keys[0] if keys else 0
            return Approach(
                source=source,
                packets=chain(ahead[start:], rest),
                stamps=stamps,
                step=_step(ahead[start:]),
                first=_on_screen(ahead, stamps, moment) if complete else None,
                from_start=from_start and start == (keys[0] if keys else 0),
            )
        # Containers without an index (MPEG streams) seek by bytes and may land past the keyframe; raw streams without
        # time stamps are read from the start.
        back = max(second, 2 * back) if any(at is not None for at in places) or not ahead else EVERYTHING


def _go_to(source: Source, ticks: int, back: int) -> bool:
    """Seek to a keyframe at or before ``ticks``; True when that meant the very start."""
    stream = source.video
    assert stream is not None
    start = stream.start_time or 0
    if stream.duration is not None:
        ticks = min(ticks, start + stream.duration - back)
    if back < EVERYTHING and ticks > start and source.seek(stream, ticks):
        return False
    source.rewind()
    return True


def _look_ahead(packets: Iterator[Packet[VideoStream]], moment: int) -> tuple[list[Packet[VideoStream]], bool]:
    """Packets up to the first decoded after ``moment`` (none after it is shown before), and whether all were held."""
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


def _on_screen(packets: list[Packet[VideoStream]], stamps: Stamps, moment: int) -> int | None:
    """The latest presentation time stamp at or before ``moment``, if all packets have one."""
    known = [stamps.presented(packet) for packet in packets]
    if None in known:
        return None
    shown = (at for at, packet in zip(known, packets, strict=True) if not packet.is_discard)
    return max((at for at in shown if at is not None and at <= moment), default=None)


def _step(packets: list[Packet[VideoStream]]) -> int | None:
    """The step of decoding time stamps, if all are known and alike but for rounding."""
    stamps = [packet.dts for packet in packets if packet.dts is not None]
    steps = [later - earlier for earlier, later in pairwise(stamps)]
    if len(stamps) < len(packets) or not steps or max(steps) >= 1.5 * min(steps) + 2:
        return None
    return min(steps)
