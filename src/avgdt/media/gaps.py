"""Detection of missing parts of a media file, in formats without a table of packets or without time stamps."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import av.error
from av.container import InputContainer
from av.packet import Packet

from avgdt.media.opening import open_container

ON_THE_FLY = frozenset({"matroska,webm", "flv", "asf"})
"""Container formats without a table of packets, in which cuts can be detected only by their time stamps."""
SHORTEST_SECONDS = 1.0  # minimum duration of a cut in seconds; dropped frames and audio leave shorter gaps
LONGER = 4.0  # minimum duration of a cut, as a multiple of the longest other frame interval of the file
COMMON = 0.8  # minimum overlap of the gaps of video and audio, as a fraction of the longer gap

TimeSpan = tuple[float, float]  # begin and end in container time, in seconds


class Cuts:
    """The cuts of a media file (see :func:`find_cuts`), which are searched for when the first gap is examined."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def between(self, first: Packet[Any], then: Packet[Any]) -> bool:
        """Return whether there is a cut between two packets of a stream."""
        if first.pts is None or then.pts is None or first.time_base is None:
            return False
        begin, end = float(first.pts * first.time_base), float(then.pts * first.time_base)
        return end - begin >= SHORTEST_SECONDS and any(begin < cut[1] and cut[0] < end for cut in self._cuts)

    @cached_property
    def _cuts(self) -> list[TimeSpan]:
        with open_container(self._path) as container:
            return find_cuts(container) if container.format.name in ON_THE_FLY else []


def find_cuts(container: InputContainer) -> list[TimeSpan]:
    """Return the cuts of a file: time spans in which neither the video nor the audio has packets.

    A gap is not a cut if it is in only one stream, or if it is not much longer than the other frame intervals of the
    file, as in screen recordings. All packets of the file are read, without decoding them.
    """
    best = [container.streams.best(kind) for kind in ("video", "audio")]
    spans: dict[int, list[TimeSpan]] = {stream.index: [] for stream in best if stream is not None}
    if len(spans) < len(best):
        return []
    try:
        for packet in container.demux():
            if packet.stream_index in spans and packet.pts is not None and packet.time_base is not None and packet.size:
                begin = float(packet.pts * packet.time_base)
                spans[packet.stream_index].append((begin, begin + float((packet.duration or 0) * packet.time_base)))
    except (av.error.FFmpegError, IndexError):
        pass  # the file is truncated here
    video, audio = (sorted(of_stream) for of_stream in spans.values())
    pauses = _holes(audio)
    holes = [hole for hole in _holes(video) if any(_common(hole, pause) >= COMMON for pause in pauses)]
    longest = max((b[0] - a[0] for a, b in pairwise(video) if (a[1], b[0]) not in holes), default=0.0)
    return [hole for hole in holes if hole[1] - hole[0] >= LONGER * longest]


def _holes(spans: list[TimeSpan]) -> list[TimeSpan]:
    """Return the gaps of at least ``SHORTEST_SECONDS`` between successive ``spans``."""
    return [(end, begin) for (_, end), (begin, _) in pairwise(spans) if begin - end >= SHORTEST_SECONDS]


def _common(a: TimeSpan, b: TimeSpan) -> float:
    """Return the overlap of two time spans as a fraction of the longer span; negative if they do not overlap."""
    return (min(a[1], b[1]) - max(a[0], b[0])) / max(a[1] - a[0], b[1] - b[0])


MAX_PACKET_BYTES = {"mp3": 2048, "aac": 8191, "ac3": 4096, "eac3": 4096}
"""Maximum size of a valid packet, in bytes, by container format; a larger packet contains unreadable bytes."""
_BETWEEN = 64  # maximum number of bytes between two packets that does not indicate missing data
_CHUNK = re.compile(rb"\d\d[a-z]{2}|ix\d\d|idx1|JUNK|LIST|RIFF|rec ")  # names of chunks after the header of an AVI file


def first_hole(container: InputContainer, path: Path, stream: int) -> float | None:
    """Return the container time, in seconds, after which the times of a stream are unknown because of damage.

    Returns ``None`` if all times are known. If the format derives time stamps from packet counts, all packets of the
    file are read, without decoding them.
    """
    name = container.format.name
    if name == "avi":
        with path.open("rb") as file:
            position = _bad_chunk(file, path.stat().st_size)
    elif name in MAX_PACKET_BYTES:
        with open_container(path) as again:
            position = _bad_packet(again, MAX_PACKET_BYTES[name])
    else:
        return None
    if position is None:
        return None
    with open_container(path) as again:
        before = [(at, index, end) for at, _, index, end in _packets(again) if at < position]
        broken = max((at for at, _, _ in before), default=0)  # position of the packet that may be damaged
        return max((end for at, index, end in before if index == stream and at < broken), default=0.0)


def _bad_chunk(file: BinaryIO, size: int) -> int | None:
    """Return the byte position at which the chunk structure of an AVI file is broken; ``None`` if it is intact."""
    at = 12  # after "RIFF", its size and "AVI "
    while at + 8 <= size:
        file.seek(at)
        head = file.read(12)
        name, length = head[:4], struct.unpack("<I", head[4:8])[0]
        if not _CHUNK.fullmatch(name):
            return at
        inside = name in (b"LIST", b"RIFF") and head[8:12] in (b"movi", b"rec ", b"AVIX")
        at += 12 if inside else 8 + length + length % 2
    return None


def _bad_packet(container: InputContainer, largest: int) -> int | None:
    packets = [packet[:2] for packet in _packets(container)]
    for (begin, size), (following, _) in pairwise(packets):
        if size > largest or following - (begin + size) > _BETWEEN:
            return begin
    return None


def _packets(container: InputContainer) -> Iterator[tuple[int, int, int, float]]:
    """Yield byte position, size, stream index and end in seconds of each packet with a position and a time stamp."""
    try:
        for packet in container.demux():
            at = packet.dts if packet.dts is not None else packet.pts
            if packet.pos is not None and packet.size and at is not None and packet.time_base is not None:
                end = float((at + (packet.duration or 0)) * packet.time_base)
                yield packet.pos, packet.size, packet.stream_index, end
    except (av.error.FFmpegError, IndexError):
        return
