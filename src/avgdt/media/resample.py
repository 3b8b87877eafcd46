"""Resampling that depends on where a sample lies and on nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

_FILTER = 64  # native samples on either side that a new sample may draw on, times the decimation


@dataclass(frozen=True)
class Resampling:
    """Which native samples make the samples ``first`` ... ``first + count`` at a new rate.

    Both grids share their sample 0, so the value of a new sample does not depend on the span it was asked in.
    """

    native: int
    """Native samples per second."""
    rate: int
    """Wanted samples per second."""
    first: int
    """Index of the first wanted sample on the new grid."""
    count: int
    """Wanted samples."""

    @property
    def _margin(self) -> int:
        return 0 if self.native == self.rate else math.ceil(_FILTER * max(1.0, self.native / self.rate))

    @property
    def begin(self) -> int:
        """Native index of the first sample needed."""
        return self.first * self.native // self.rate - self._margin

    @property
    def needed(self) -> int:
        """Native samples needed from ``begin`` on."""
        return -(-(self.first + self.count) * self.native // self.rate) + self._margin - self.begin

    def apply(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(count,) samples at the new rate, from the (needed,) native ones."""
        if self.native == self.rate:
            return samples
        common = math.gcd(self.native, self.rate)
        cycle = self.native // common  # the grids meet every so many native samples
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
    """A whole waveform (samples,) at ``native`` Hz brought to ``rate`` Hz; before and after it is silence."""
    plan = Resampling(native, rate, 0, round(len(samples) * rate / native))
    padded = np.pad(samples, (-plan.begin, max(plan.needed + plan.begin - len(samples), 0)))
    return plan.apply(padded[: plan.needed])
