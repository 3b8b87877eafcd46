"""Confidence intervals over seeds, and paired comparisons of two settings over the same seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

LEVEL = 0.95
"""Level of all confidence intervals."""


@dataclass(frozen=True)
class Mean:
    """A mean over seeds with its confidence interval, by Student's t distribution."""

    value: float
    std: float | None
    """Sample standard deviation; None for one seed."""
    low: float | None
    high: float | None
    """Ends of the interval; None for one seed."""
    count: int
    """Number of seeds."""


@dataclass(frozen=True)
class Difference:
    """The mean difference of two settings over the same seeds, by a paired t test."""

    mean: Mean
    p: float | None
    """Two-sided p value; None for fewer than two seeds, and where the difference of all seeds is the same."""

    @property
    def verdict(self) -> str:
        """Whether the interval excludes 0, and on which side: "holds", "reversed" or "undecided"."""
        if self.mean.low is None or self.mean.high is None or self.mean.low <= 0 <= self.mean.high:
            return "undecided"
        return "holds" if self.mean.value > 0 else "reversed"

    def in_points(self) -> str:
        """The difference of two shares in percentage points, with interval, p and number of seeds."""
        mean = self.mean
        if mean.low is None or mean.high is None or self.p is None:
            seeds = "one seed" if mean.count == 1 else f"the same for all {mean.count} seeds, not tested"
            return f"{100 * mean.value:+.1f} points, {seeds}"
        return (
            f"{100 * mean.value:+.1f} points (95 % interval {100 * mean.low:+.1f} to {100 * mean.high:+.1f}, paired t "
            f"test p = {self.p:.2g}, {mean.count} seeds)"
        )


def mean_interval(values: Sequence[float]) -> Mean:
    """The mean of ``values``, one per seed, with its interval; raises ``ValueError`` where there is none."""
    if not len(values):
        raise ValueError("the mean of no values")
    mean, count = float(np.mean(values)), len(values)
    if count == 1:
        return Mean(mean, None, None, None, 1)
    std = float(np.std(values, ddof=1))
    half = float(stats.t.ppf((1 + LEVEL) / 2, count - 1)) * std / count**0.5
    return Mean(mean, std, mean - half, mean + half, count)


def paired_difference(first: Mapping[int, float], second: Mapping[int, float]) -> Difference | None:
    """``first`` minus ``second``, both figures by seed, over the seeds that both have; None where they share none.

    Pairs share the seed, hence initial weights and order of batches. Where several settings are compared at once,
    their figures are averaged per seed before, so that the seeds are the independent samples.
    """
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        return None
    differences = [first[seed] - second[seed] for seed in seeds]
    mean = mean_interval(differences)
    if mean.std is None:
        return Difference(mean, None)
    if mean.std < 1e-12:  # equal differences of all seeds, up to rounding: the t statistic is not defined
        return Difference(replace(mean, low=None, high=None), None)
    return Difference(mean, float(stats.ttest_1samp(differences, 0.0).pvalue))
