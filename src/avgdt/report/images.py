"""Arrays as PNG and JPEG in data URIs, with no library but those that the project has anyway."""

from __future__ import annotations

import base64
import struct
import zlib
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from avgdt.report.colours import PALETTE

Pixels = NDArray[np.uint8]


def data_uri(content: bytes, kind: str) -> str:
    """``content`` of the media type ``kind`` as a URI that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def png(pixels: Pixels) -> str:
    """A PNG's data URI of (height, width, 3) colours, with a fourth for opacity, or (height, width) palette places."""
    height, width = pixels.shape[:2]
    kind = 3 if pixels.ndim == 2 else {3: 2, 4: 6}[pixels.shape[2]]  # palette, colours, colours and opacity
    rows = np.ascontiguousarray(pixels).reshape(height, -1)
    # Each row begins with the number of its filter; 0 is none.
    raw = np.concatenate([np.zeros((height, 1), dtype=np.uint8), rows], axis=1).tobytes()
    chunks = [_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))]
    if kind == 3:
        chunks.append(_chunk(b"PLTE", PALETTE.tobytes()))
    chunks += [_chunk(b"IDAT", zlib.compress(raw, 9)), _chunk(b"IEND", b"")]
    return data_uri(b"\x89PNG\r\n\x1a\n" + b"".join(chunks), "image/png")


def jpeg(pixels: Pixels) -> str:
    """(height, width, 3), even sides, as a JPEG's data URI; a third of a PNG's size for what a camera saw."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.height, encoder.width = pixels.shape[:2]
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 25)
    encoder.options = {"qmin": "3", "qmax": "5"}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24").reformat(format="yuvj420p")
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return data_uri(b"".join(bytes(packet) for packet in packets), "image/jpeg")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
