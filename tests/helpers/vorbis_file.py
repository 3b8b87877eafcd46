"""Encoder for Ogg Vorbis with long and short blocks; FFmpeg's own encoder only writes blocks of one length."""

from __future__ import annotations

import random
import struct
from itertools import pairwise
from pathlib import Path

SHORT, LONG = 9, 10  # block sizes, as powers of two
PARTITION = 32  # residue partition size, in coefficients
PACKETS = 40  # number of packets per page


class Bits:
    """Bit buffer whose first bit is the least significant."""

    def __init__(self) -> None:
        self.value, self.length = 0, 0

    def put(self, value: int, length: int) -> None:
        self.value |= value << self.length
        self.length += length

    def bytes(self) -> bytes:
        return self.value.to_bytes((self.length + 7) // 8, "little")


def write_vorbis(path: Path, seconds: float, rate: int, seed: int = 0, late_page: int | None = None) -> Path:
    """Write noise whose loudness changes from block to block, in runs of long and of short blocks.

    The time stamp of page ``late_page`` is 244 samples after the end of the page, as written by some encoders.
    """
    draw = random.Random(seed)
    long = [False]
    while sum(_sizes(long[1:])) / 2 < seconds * rate + (1 << LONG):
        long.append(long[-1] ^ (draw.random() < 0.03))
    around = zip([False, *long], long, [*long[1:], False], strict=False)
    packets = [_block(draw, before, this, after) for before, this, after in around]
    gives = [0, *((a + b) // 4 for a, b in pairwise(_sizes(long)))]
    pages = [_page([_identification(rate)], 0, 0, 2), _page([b"\x03vorbis" + bytes(8) + b"\x01", _setup()], 0, 1, 0)]
    end = 0
    for i, first in enumerate(range(0, len(packets), PACKETS)):
        end += sum(gives[first : first + PACKETS])
        stamp = end + (244 if i == late_page else 0)
        last = first + PACKETS >= len(packets)
        pages.append(_page(packets[first : first + PACKETS], stamp, i + 2, 4 if last else 0))
    path.write_bytes(b"".join(pages))
    return path


def _sizes(long: list[bool]) -> list[int]:
    return [1 << (LONG if is_long else SHORT) for is_long in long]


def _identification(rate: int) -> bytes:
    return b"\x01vorbis" + struct.pack("<IBIiii", 0, 1, rate, 0, 0, 0) + bytes([LONG << 4 | SHORT, 1])


def _setup() -> bytes:
    bits = Bits()
    bits.put(2 - 1, 8)  # number of code books
    _book(bits, entries=2, length=1)  # the class of a partition
    _book(bits, entries=16, length=4)  # a coefficient from -8 to 7
    for value, length in ((1, 4), (8 | 788 << 21 | 1 << 31, 32), (1 | 788 << 21, 32), (4 - 1, 4), (0, 1)):
        bits.put(value, length)
    for value in range(16):
        bits.put(value, 4)
    for value, length in ((0, 6), (0, 16)):  # one time-domain transform, which has no effect
        bits.put(value, length)
    for value, length in ((0, 6), (1, 16), (0, 5), (0, 2), (8, 4)):  # one floor: a line between the two ends
        bits.put(value, length)
    half = 1 << (SHORT - 1)
    for value, length in ((0, 6), (1, 16), (0, 24), (half, 24), (PARTITION - 1, 24), (1, 6), (0, 8)):  # one residue
        bits.put(value, length)
    for value, length in ((1, 3), (0, 1), (0, 3), (0, 1), (1, 8)):  # class 0 has a code book, class 1 has none
        bits.put(value, length)
    for value, length in ((0, 6), (0, 16), (0, 1), (0, 1), (0, 2), (0, 8), (0, 8), (0, 8)):  # one mapping
        bits.put(value, length)
    bits.put(2 - 1, 6)  # two modes: short and long
    for is_long in (0, 1):
        for value, length in ((is_long, 1), (0, 16), (0, 16), (0, 8)):
            bits.put(value, length)
    bits.put(1, 1)
    return b"\x05vorbis" + bits.bytes()


def _book(bits: Bits, entries: int, length: int) -> None:
    for value, width in ((0x564342, 24), (1, 16), (entries, 24), (0, 1), (0, 1)):
        bits.put(value, width)
    for _ in range(entries):
        bits.put(length - 1, 5)
    if entries == 2:
        bits.put(0, 4)  # the entries are numbers without vectors


def _block(draw: random.Random, before: bool, long: bool, after: bool) -> bytes:
    """Return a block with random coefficients: any sequence of bits decodes to coefficients."""
    bits = Bits()
    bits.put(0, 1)
    bits.put(long, 1)
    if long:
        bits.put(before, 1)
        bits.put(after, 1)
    bits.put(1, 1)
    level = draw.randrange(90, 150)
    bits.put(level, 8)
    bits.put(level, 8)
    coded = 5 * (1 << (SHORT - 1))
    bits.put(draw.getrandbits(coded), coded)
    return bits.bytes()


def _page(packets: list[bytes], granule: int, number: int, flags: int) -> bytes:
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, granule, 1, number, 0) + bytes([len(lacing)])
    page = bytearray(head + lacing + b"".join(packets))
    page[22:26] = struct.pack("<I", _checksum(page))
    return bytes(page)


def _checksum(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value >> 31 else value << 1) & 0xFFFFFFFF
    return value
