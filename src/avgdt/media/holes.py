"""Missing bytes in files without time stamps of their own: times after them are unknown."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import av.error
from av.container import InputContainer

from avgdt.media.opening import open_container

LARGEST = {"mp3": 2048, "aac": 8191, "ac3": 4096, "eac3": 4096}
"""Largest packet in bytes, by container; a larger one holds bytes that the parser could not read."""
_BETWEEN = 64  # bytes between two of them that are no hole
_CHUNK = re.compile(rb"\d\d[a-z]{2}|ix\d\d|idx1|JUNK|LIST|RIFF|rec ")  # of an AVI file behind its header


def first_hole(container: InputContainer, path: Path, stream: int) -> float | None:
    """Container time in seconds after which the times of a stream are unknown; ``None`` where all are known.

    Reads the packets of the whole file, without decoding them, where its time stamps are counts.
    """
    name = container.format.name
    if name == "avi":
        with path.open("rb") as file:
            place = _bad_chunk(file, path.stat().st_size)
    elif name in LARGEST:
        with open_container(path) as again:
            place = _bad_packet(again, LARGEST[name])
    else:
        return None
    if place is None:
        return None
    with open_container(path) as again:
        before = [(at, index, end) for at, _, index, end in _packets(again) if at < place]
        broken = max((at for at, _, _ in before), default=0)  # the packet in which the damage may lie
        return max((end for at, index, end in before if index == stream and at < broken), default=0.0)


def _bad_chunk(file: BinaryIO, size: int) -> int | None:
    """Byte position at which the chunk structure of an AVI file is broken; ``None`` where it is intact."""
    at = 12  # behind RIFF, its size and AVI
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
    """File position, size in bytes, stream and end time in seconds of each packet; packets without them are skipped."""
    try:
        for packet in container.demux():
            at = packet.dts if packet.dts is not None else packet.pts
            if packet.pos is not None and packet.size and at is not None and packet.time_base is not None:
                end = float((at + (packet.duration or 0)) * packet.time_base)
                yield packet.pos, packet.size, packet.stream_index, end
    except (av.error.FFmpegError, IndexError):
        return
