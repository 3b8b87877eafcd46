"""Resampling in which the value of a sample depends only on its position, not on the requested span."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

_FILTER = 64  # half-width of the resampling filter in native samples, for a decimation factor of 1


@dataclass(frozen=True)
class Resampling:
    """Resampling of a span of ``count`` samples at a new sample rate, and the native samples that it needs.

    The native and the new sample grid coincide at index 0, so the value of a sample does not depend on the
    requested span.
    """

    native: int
    """Native sample rate, in Hz."""
    rate: int
    """New sample rate, in Hz."""
    first: int
    """Index of the first new sample on the new grid."""
    count: int
    """Number of new samples."""

    @property
    def _margin(self) -> int:
        return 0 if self.native == self.rate else math.ceil(_FILTER * max(1.0, self.native / self.rate))

    @property
    def begin(self) -> int:
        """Index of the first native sample needed."""
        return self.first * self.native // self.rate - self._margin

    @property
    def needed(self) -> int:
        """Number of native samples needed from ``begin`` on."""
        return -(-(self.first + self.count) * self.native // self.rate) + self._margin - self.begin

    def apply(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Resample (needed,) native samples to (count,) samples at the new rate."""
        if self.native == self.rate:
            return samples
        common = math.gcd(self.native, self.rate)
        cycle = self.native // common  # period, in input samples, after which input and output sample times coincide
        lead = self.begin % cycle
        padded = np.concatenate([np.zeros(lead, dtype=np.float32), samples])
        frame = AudioFrame.from_ndarray(padded[None], format="fltp", layout="mono")
        frame.sample_rate = self.native
        resampler = AudioResampler(format="fltp", layout="mono", rate=self.rate)
        pieces = [piece.to_ndarray()[0] for piece in (*resampler.resample(frame), *resampler.resample(None))]
        skip = self.first - (self.begin - lead) // cycle * (self.rate // common)
        result: NDArray[np.float32] = np.concatenate(pieces)[skip : skip + self.count]
        return result


def resampled(samples: NDArray[np.float32], native: int, rate: int) -> NDArray[np.float32]:
    """Resample a waveform (samples,) from ``native`` Hz to ``rate`` Hz, with zeros outside the waveform."""
    resampling = Resampling(native, rate, 0, round(len(samples) * rate / native))
    padded = np.pad(samples, (-resampling.begin, max(resampling.needed + resampling.begin - len(samples), 0)))
    return resampling.apply(padded[: resampling.needed])
