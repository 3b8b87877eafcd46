"""Decoded blocks of samples as mono float arrays with their place on a sample grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

JITTER_SECONDS = 0.005  # time stamps may stray this far before they mean a gap; a lost packet is longer

_FULL_SCALE = {"u8": 128.0, "s16": 32768.0, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}


def mono(frame: AudioFrame) -> NDArray[np.float32]:
    """(samples,) float32 on the int16 scale: the mean of a block's channels."""
    name = frame.format.name.removesuffix("p")
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(frame.samples, -1).T
    mean = values.mean(axis=0, dtype=np.float64) if len(values) > 1 else values[0].astype(np.float64)
    if name == "u8":
        mean = mean - 128.0
    result: NDArray[np.float32] = (mean * (32768.0 / _FULL_SCALE[name])).astype(np.float32)
    return result


@dataclass
class Placement:
    """Gives each block of one stream its first sample's index on the grid of the stream's sample rate."""

    rate: int
    """Samples per second of the grid."""
    tick: float
    """Seconds of one time stamp unit."""
    zero: float
    """Container time of the grid's sample 0."""
    block: int = 0
    """Samples in every block where that is constant, else 0."""
    origin: int | None = None
    """Time stamp of the stream's first block."""
    _following: int | None = None

    def place(self, stamp: int | None, samples: int) -> int:
        """The grid index of the first sample; blocks whose stamps only jitter follow each other without a seam."""
        stamped = self._stamped(stamp, samples)
        expected = self._following
        tolerance = max(JITTER_SECONDS, 2 * self.tick) * self.rate
        if stamped is None:
            index = expected if expected is not None else 0
        elif expected is not None and abs(stamped - expected) <= tolerance:
            index = expected
        else:
            index = stamped
        self._following = index + samples
        return index

    def _stamped(self, stamp: int | None, samples: int) -> int | None:
        """The index that the time stamp says; where stamps are coarser than samples, snapped to whole blocks."""
        if stamp is None:
            return None
        index = round((stamp * self.tick - self.zero) * self.rate)
        ticks = self.tick * self.rate  # samples in one time stamp unit
        if self.block < 4 * ticks or ticks <= 1 or self.origin is None:
            return index
        # Blocks begin at origin + n * block exactly; the first one may have lost its beginning to codec delay.
        origin = round((self.origin * self.tick - self.zero) * self.rate)
        begin = index - (self.block - samples)
        snapped = origin + round((begin - origin) / self.block) * self.block
        return index if abs(snapped - begin) > ticks + 1 else snapped + (self.block - samples)


def fill(blocks: Iterator[tuple[int, NDArray[np.float32]]], first: int, count: int) -> NDArray[np.float32]:
    """(count,) samples from grid index ``first`` on: the blocks where there are any, silence elsewhere."""
    result = np.zeros(count, dtype=np.float32)
    for index, samples in blocks:
        begin, end = max(index, first), min(index + len(samples), first + count)
        if begin < end:
            result[begin - first : end - first] = samples[begin - index : end - index]
        if index >= first + count:
            break
    return result
