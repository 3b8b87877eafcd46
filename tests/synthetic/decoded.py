"""Content of a rendered file, decoded with PyAV only."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import av
import numpy as np


class Decoded(NamedTuple):
    pixels: np.ndarray  # (frames, height, width, 3), float
    times: np.ndarray  # (frames,), in seconds
    samples: np.ndarray  # (samples,), from 0 s on
    rate: int


def decode(path: Path) -> Decoded:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        pixels = np.stack([frame.to_ndarray(format="rgb24") for frame in frames]).astype(float)
        times = np.array([frame.time for frame in frames])
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].rate
        samples = np.zeros(0)
        for frame in container.decode(audio=0):
            first = round(frame.time * rate)
            waveform = frame.to_ndarray()[0].astype(float)
            samples = np.concatenate(
                [samples, np.zeros(max(first - samples.size, 0)), waveform[max(samples.size - first, 0) :]]
            )
    return Decoded(pixels, times, samples, rate)


def loudness(decoded: Decoded, times: np.ndarray, seconds: float) -> np.ndarray:
    """Return the root mean square of the audio in the ``seconds`` after each time."""
    starts = np.round(times * decoded.rate).astype(int)
    length = round(seconds * decoded.rate)
    return np.array([np.sqrt(np.mean(decoded.samples[max(s, 0) : s + length] ** 2)) for s in starts])
