"""Confidence intervals over seeds, and paired comparisons of two settings over the same seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

LEVEL = 0.95
"""Confidence level of all intervals."""


@dataclass(frozen=True)
class Mean:
    """Mean over seeds, with its confidence interval by Student's t distribution."""

    value: float
    std: float | None
    """Sample standard deviation over the seeds; None for a single seed."""
    low: float | None
    """Lower bound of the confidence interval; None if the interval is undefined."""
    high: float | None
    """Upper bound of the confidence interval; None if the interval is undefined."""
    count: int
    """Number of seeds."""


@dataclass(frozen=True)
class Difference:
    """Mean difference between two settings over the same seeds, with a paired t-test."""

    mean: Mean
    p: float | None
    """Two-sided p-value; None if there are fewer than two seeds or if the difference is the same for all seeds."""

    @property
    def verdict(self) -> str:
        """Verdict: "holds" if the confidence interval is above 0, "reversed" if it is below 0, else "undecided"."""
        if self.mean.low is None or self.mean.high is None or self.mean.low <= 0 <= self.mean.high:
            return "undecided"
        return "holds" if self.mean.value > 0 else "reversed"

    def in_points(self) -> str:
        """Format the difference of two fractions in percentage points, with interval, p-value and number of seeds."""
        mean = self.mean
        if mean.low is None or mean.high is None or self.p is None:
            seeds = "one seed" if mean.count == 1 else f"the same for all {mean.count} seeds, not tested"
            return f"{100 * mean.value:+.1f} percentage points, {seeds}"
        return (
            f"{100 * mean.value:+.1f} percentage points (95 % interval {100 * mean.low:+.1f} to "
            f"{100 * mean.high:+.1f}, paired t test p = {self.p:.2g}, {mean.count} seeds)"
        )


def mean_interval(values: Sequence[float]) -> Mean:
    """Return the mean of ``values``, one per seed, with its interval; raise ``ValueError`` if ``values`` is empty."""
    if not len(values):
        raise ValueError("values must not be empty")
    mean, count = float(np.mean(values)), len(values)
    if count == 1:
        return Mean(mean, None, None, None, 1)
    std = float(np.std(values, ddof=1))
    half = float(stats.t.ppf((1 + LEVEL) / 2, count - 1)) * std / count**0.5
    return Mean(mean, std, mean - half, mean + half, count)


def paired_difference(first: Mapping[int, float], second: Mapping[int, float]) -> Difference | None:
    """Return the mean difference ``first`` - ``second`` over their common seeds; None if there are none.

    Both arguments map seeds to values. Runs with the same seed have the same initial weights and the same order of
    batches. If several settings are combined, their values must first be averaged per seed, so that the seeds are the
    independent samples.
    """
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        return None
    differences = [first[seed] - second[seed] for seed in seeds]
    mean = mean_interval(differences)
    if mean.std is None:
        return Difference(mean, None)
    if mean.std < 1e-12:  # all differences are equal up to rounding, so the t statistic is undefined
        return Difference(replace(mean, low=None, high=None), None)
    return Difference(mean, float(stats.ttest_1samp(differences, 0.0).pvalue))
