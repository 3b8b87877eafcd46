"""The way to a moment of the picture: which packets to decode so that its frame comes out whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from avgdt.media.source import Source

LOOK_AHEAD_BYTES = 2**26


def stamp(thing: Packet[VideoStream] | VideoFrame) -> int | None:
    """Presentation time stamp, else decoding time stamp."""
    return thing.pts if thing.pts is not None else thing.dts


@dataclass(frozen=True)
class Approach:
    """Packets from a keyframe on that lead to the frame on screen at some moment."""

    packets: Iterator[Packet[VideoStream]]
    """From the keyframe to the end of the file."""
    first: int | None
    """Time stamp of the frame on screen at that moment, where the packets tell it."""
    from_start: bool
    """Whether these are all packets of the file, so that nothing better can be had."""


def approach(source: Source, stream_ticks: int, back: int, second: int) -> Approach:
    """The packets from the last keyframe at or before ``stream_ticks`` - at least ``back`` before it, where possible.

    ``stream_ticks``, ``back`` and ``second`` (one second) are in the video stream's time base.
    """
    while True:
        stream = source.video
        assert stream is not None
        target = stream_ticks - back
        start = stream.start_time or 0
        if stream.duration is not None:
            target = min(target, start + stream.duration - back)
        from_start = target <= start or not source.seek(stream, target)
        if from_start:
            source.rewind()
        stream = source.video  # rewinding opens anew
        assert stream is not None
        rest = source.packets(stream)
        ahead, complete = _look_ahead(rest, stream_ticks)
        keys = [i for i, p in enumerate(ahead) if p.is_keyframe and (s := stamp(p)) is not None and s <= stream_ticks]
        if keys or from_start:
            return Approach(
                # Not always the last keyframe: a retry that goes back must not end at the same one.
                packets=chain(ahead[_last_at_or_before(ahead, keys, stream_ticks - back) :], rest),
                first=_on_screen(ahead, stream_ticks) if complete else None,
                from_start=from_start,
            )
        # Containers without an index (MPEG streams) seek by bytes and may land past the keyframe.
        back = max(second, 2 * back)


def _look_ahead(packets: Iterator[Packet[VideoStream]], ticks: int) -> tuple[list[Packet[VideoStream]], bool]:
    """Packets up to the first decoded after ``ticks`` (none after it is shown before), and whether all were held."""
    ahead: list[Packet[VideoStream]] = []
    size = 0
    for packet in packets:
        ahead.append(packet)
        size += packet.size
        order = packet.dts if packet.dts is not None else packet.pts
        if order is not None and order > ticks:
            break
        if size > LOOK_AHEAD_BYTES:
            return ahead, False
    return ahead, True


def _on_screen(packets: list[Packet[VideoStream]], ticks: int) -> int | None:
    """The latest presentation time stamp at or before ``ticks``, if all packets have one."""
    if any(p.pts is None for p in packets):
        return None
    return max((p.pts for p in packets if p.pts is not None and p.pts <= ticks and not p.is_discard), default=None)


def _last_at_or_before(packets: list[Packet[VideoStream]], keys: list[int], ticks: int) -> int:
    """Index of the last keyframe shown at or before ``ticks``, else of the first keyframe, else 0."""
    early = [i for i in keys if (s := stamp(packets[i])) is not None and s <= ticks]
    return early[-1] if early else keys[0] if keys else 0
