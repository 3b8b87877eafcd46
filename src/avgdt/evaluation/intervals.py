"""How sure a share counted on few recordings is."""

from __future__ import annotations

from math import sqrt

NORMAL_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """95 % score interval of a binomial share (Wilson 1927); good for few trials and shares near 0 or 1."""
    if trials == 0:
        return 0.0, 1.0
    share, z2 = hits / trials, NORMAL_95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = NORMAL_95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(0.0, centre - half), min(1.0, centre + half)
