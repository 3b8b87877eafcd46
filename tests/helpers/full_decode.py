"""Slow reference decoder, which decodes a whole file and selects frames and samples by time stamp."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


def all_frames(path: Path, height: int, width: int) -> list[tuple[Fraction, NDArray[np.uint8]]]:
    """Return the container time and the upright pixels (height, width, 3) of every frame, in the order of presentation.

    AVI and raw streams store no presentation times; the times follow from the frame index.
    """
    frames = []
    with av.open(BytesIO(path.read_bytes())) as container:  # without a file name, as its suffix may be wrong
        stream = container.streams.best("video")
        by_count = container.format.name in ("avi", "h264", "hevc")
        for frame in _decoded(container, stream):
            h, w = (width, height) if frame.rotation % 180 else (height, width)
            pixels = frame.reformat(width=w, height=h, format="rgb24").to_ndarray()
            at = Fraction(len(frames)) / stream.average_rate if by_count else frame.pts * frame.time_base
            frames.append((at, np.rot90(pixels, frame.rotation // 90)))
    # Decreasing stamps are in the order of decoding; frames are output in presentation order, so the stamps are sorted.
    return list(zip(sorted(at for at, _ in frames), (pixels for _, pixels in frames), strict=True))


def on_screen(frames: list[tuple[Fraction, NDArray[np.uint8]]], time: float) -> tuple[Fraction, NDArray[np.uint8]]:
    """Return the last frame at or before ``time``, within a microsecond, or the first frame if there is none."""
    before = [frame for frame in frames if frame[0] <= time + 1e-6]
    return max(before, key=lambda f: f[0]) if before else min(frames, key=lambda f: f[0])


def all_samples(path: Path, slack: float = 0.005) -> tuple[Fraction, int, NDArray[np.float64]]:
    """Return the container time of the first sample, the sample rate, and the mean of the channels on the int16 scale.

    Samples are zero where time stamps jump by more than ``slack`` seconds.
    """
    track, start, rate, resampler = np.zeros(0), None, 0, None
    with av.open(BytesIO(path.read_bytes())) as container:  # without a file name, as its suffix may be wrong
        for frame in _decoded(container, container.streams.best("audio")):
            if resampler is None:
                start, rate = (frame.pts or 0) * frame.time_base, frame.sample_rate
                resampler = av.AudioResampler(format="fltp", layout=frame.layout, rate=rate)
            late = 0 if frame.pts is None else round((frame.pts * frame.time_base - start) * rate) - len(track)
            if late > slack * rate:
                track = np.append(track, np.zeros(late))
            track = np.append(track, [p.to_ndarray().mean(0, dtype=float) * 32768 for p in resampler.resample(frame)])
    assert start is not None
    return start, rate, track


def _decoded(container, stream):
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
        except av.error.FFmpegError:
            return  # the file is truncated
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue  # damaged packets are skipped, as players do
