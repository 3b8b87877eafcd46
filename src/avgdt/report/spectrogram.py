"""A spectrogram as places in the palette."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avgdt.report.colours import places


def spectrogram(values: NDArray[np.floating], bounds: tuple[float, float] | None = None) -> NDArray[np.uint8]:
    """(mels, time) -> the same shape, high tones above; ``bounds`` are darkest and brightest, else the values' own."""
    low, high = bounds or loudness(values)
    return places(values, low, high)[::-1]


def loudness(values: NDArray[np.floating]) -> tuple[float, float]:
    """From nearly the softest to nearly the loudest value."""
    low, high = np.percentile(values, (2, 99.5))
    return float(low), float(high)
