"""The array types of the little world."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
"""Times, sound and curves, double precision."""
Pixels = npt.NDArray[np.float32]
"""Pictures (3, height, width) in the colours of `colours.Colour`, or coverages (height, width)."""
