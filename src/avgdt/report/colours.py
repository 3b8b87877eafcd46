"""Values as colours: one palette, from dark to bright, whose lightness grows evenly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STOPS = np.array(
    [(13, 12, 30), (52, 28, 98), (122, 36, 118), (190, 55, 100), (236, 108, 74), (249, 178, 92), (254, 247, 208)]
)

PALETTE: NDArray[np.uint8] = np.stack(
    [np.interp(np.linspace(0, len(_STOPS) - 1, 256), range(len(_STOPS)), _STOPS[:, band]) for band in range(3)], axis=1
).astype(np.uint8)
"""(256, 3): red, green, blue."""


def places(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint8]:
    """Places in the palette of ``values``: 0 at ``low`` and below, 255 at ``high`` and above."""
    scaled = (values - low) / max(high - low, 1e-12)
    return np.round(np.clip(scaled, 0, 1) * 255).astype(np.uint8)
