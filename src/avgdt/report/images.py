"""Conversion of arrays to images: colour map, spectrograms, and PNG and JPEG files as data URIs."""

from __future__ import annotations

import base64
import struct
import zlib
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_STOPS = np.array(
    [(13, 12, 30), (52, 28, 98), (122, 36, 118), (190, 55, 100), (236, 108, 74), (249, 178, 92), (254, 247, 208)]
)
PALETTE: Pixels = np.stack(
    [np.interp(np.linspace(0, len(_STOPS) - 1, 256), range(len(_STOPS)), _STOPS[:, band]) for band in range(3)], axis=1
).astype(np.uint8)
"""Colour map (256, 3) in RGB, from dark to bright with uniformly increasing lightness."""


def palette_indices(values: NDArray[np.floating], low: float, high: float) -> Pixels:
    """Map ``values`` linearly to indices of :data:`PALETTE`, from 0 at ``low`` and below to 255 at ``high`` and
    above."""
    scaled = (values - low) / max(high - low, 1e-12)
    return np.round(np.clip(scaled, 0, 1) * 255).astype(np.uint8)


def spectrogram(values: NDArray[np.floating], bounds: tuple[float, float] | None = None) -> Pixels:
    """Return the palette indices of a log-mel spectrogram (mels, time), with high frequencies in the first row.

    ``bounds`` are the values of the darkest and the brightest colour. The default is :func:`loudness` of ``values``.
    """
    low, high = bounds or loudness(values)
    return palette_indices(values, low, high)[::-1]


def loudness(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the range of a spectrogram's values without outliers: the 2nd and the 99.5th percentile."""
    low, high = np.percentile(values, (2, 99.5))
    return float(low), float(high)


def data_uri(content: bytes, kind: str) -> str:
    """Return the data URI of ``content`` with the media type ``kind``."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def png(pixels: Pixels) -> str:
    """Return the data URI of a PNG.

    ``pixels`` are RGB (height, width, 3), RGBA (height, width, 4), or indices of :data:`PALETTE` (height, width).
    """
    height, width = pixels.shape[:2]
    # The colour types of PNG are 2 for RGB, 3 for palette indices and 6 for RGBA.
    kind = 3 if pixels.ndim == 2 else {3: 2, 4: 6}[pixels.shape[2]]
    rows = np.ascontiguousarray(pixels).reshape(height, -1)
    # Each row of a PNG begins with the number of its filter; 0 means no filter.
    raw = np.concatenate([np.zeros((height, 1), dtype=np.uint8), rows], axis=1).tobytes()
    chunks = [_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))]
    if kind == 3:
        chunks.append(_chunk(b"PLTE", PALETTE.tobytes()))
    chunks += [_chunk(b"IDAT", zlib.compress(raw, 9)), _chunk(b"IEND", b"")]
    return data_uri(b"\x89PNG\r\n\x1a\n" + b"".join(chunks), "image/png")


def jpeg(pixels: Pixels) -> str:
    """Return the data URI of a JPEG of RGB pixels (height, width, 3) with even height and width.

    For camera frames, the JPEG is a third of the size of the PNG.
    """
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.height, encoder.width = pixels.shape[:2]
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 25)
    encoder.options = {"qmin": "3", "qmax": "5"}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24").reformat(format="yuvj420p")
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return data_uri(b"".join(bytes(packet) for packet in packets), "image/jpeg")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
