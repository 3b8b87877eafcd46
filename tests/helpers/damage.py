"""Copies of media files in which certain packets are damaged or missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av


def zero_packets(path: Path, which: Callable[[int, int], bool], out: Path) -> Path:
    """Copy a single-stream file, with zeros in each packet for which ``which(index, count)`` is true."""
    return _remux(path, out, lambda packet, i, n: _zeros(packet) if which(i, n) else packet)


def drop_packets(path: Path, which: Callable[[int], bool], out: Path) -> Path:
    """Copy a single-stream file without the packets for which ``which(index)`` is true."""
    return _remux(path, out, lambda packet, i, n: None if which(i) else packet)


def late_packets(path: Path, which: Callable[[int], bool], ticks: int, out: Path) -> Path:
    """Copy a single-stream file; delay the time stamps of packets for which ``which(index)`` is true.

    The delay is ``ticks`` time units; ``index`` counts packets in the order of decoding.
    """
    return _remux(path, out, lambda packet, i, n: _late(packet, ticks) if which(i) else packet)


def cut_packets(path: Path, begin: float, end: float, out: Path, kinds: tuple[str, ...] = ("video", "audio")) -> Path:
    """Copy a file without the packets from ``begin`` to ``end`` seconds in streams of the given ``kinds``."""
    with av.open(str(path)) as source, av.open(str(out), "w") as target:
        copies = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.size and not (begin <= packet.pts * packet.time_base < end and packet.stream.type in kinds):
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    return out


def _remux(path: Path, out: Path, change: Callable[[av.Packet, int, int], av.Packet | None]) -> Path:
    with av.open(str(path)) as source, av.open(str(out), "w") as target:
        (stream,) = source.streams
        copy = target.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.size]
        for index, packet in enumerate(packets):
            if (changed := change(packet, index, len(packets))) is not None:
                changed.stream = copy
                target.mux(changed)
    return out


def _zeros(packet: av.Packet) -> av.Packet:
    zeros = av.Packet(bytes(packet.size))
    zeros.pts, zeros.dts, zeros.duration, zeros.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    zeros.is_keyframe = packet.is_keyframe
    return zeros


def _late(packet: av.Packet, ticks: int) -> av.Packet:
    packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
    return packet
