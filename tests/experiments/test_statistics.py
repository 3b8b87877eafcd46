from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from avgdt.experiments.statistics import mean_interval, paired_difference


def test_the_interval_of_three_values_equals_a_hand_computed_one() -> None:
    # The mean is 2 and the standard deviation 1; Student's t for 2 degrees of freedom and 97.5 % is 4.302653.
    mean = mean_interval([1.0, 2.0, 3.0])
    assert (mean.value, mean.std, mean.count) == (2.0, 1.0, 3)
    assert mean.high == pytest.approx(2 + 4.302653 / 3**0.5, abs=1e-6)
    assert mean.low == pytest.approx(2 - 4.302653 / 3**0.5, abs=1e-6)


def test_one_value_has_no_interval() -> None:
    mean = mean_interval([0.5])
    assert (mean.value, mean.std, mean.low, mean.high) == (0.5, None, None, None)


def test_an_empty_list_of_values_raises_an_error() -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        mean_interval([])


def test_intervals_cover_the_true_mean_at_the_nominal_rate() -> None:
    rng = np.random.default_rng(0)
    intervals = [mean_interval(rng.normal(3, 2, size=4).tolist()) for _ in range(2000)]
    covered = np.mean([mean.low < 3 < mean.high for mean in intervals if mean.low and mean.high])
    assert 0.93 < covered < 0.97


def test_a_paired_difference_equals_the_t_test_of_scipy_over_shared_seeds() -> None:
    first, second = {0: 0.9, 1: 0.8, 2: 0.85, 7: 0.1}, {2: 0.6, 1: 0.7, 0: 0.75, 9: 0.9}
    difference = paired_difference(first, second)
    assert difference is not None
    expected = stats.ttest_rel([0.9, 0.8, 0.85], [0.75, 0.7, 0.6])
    assert difference.p == pytest.approx(expected.pvalue)
    low, high = expected.confidence_interval(0.95)
    assert (difference.mean.low, difference.mean.high) == pytest.approx((low, high))
    assert difference.mean.count == 3


def test_verdicts_depend_on_sign_and_significance() -> None:
    def verdict(*differences: float) -> str:
        result = paired_difference(dict(enumerate(differences)), dict.fromkeys(range(len(differences)), 0.0))
        assert result is not None
        return result.verdict

    assert verdict(0.10, 0.11, 0.12) == "holds"
    assert verdict(-0.10, -0.11, -0.12) == "reversed"
    assert verdict(-0.10, 0.11, 0.12) == "undecided"
    assert verdict(0.5) == "undecided"  # a single seed is never significant


def test_equal_differences_of_all_seeds_are_not_tested() -> None:
    same = paired_difference({0: 0.5, 1: 0.5}, {0: 0.5, 1: 0.5})
    assert same is not None
    assert (same.p, same.verdict) == (None, "undecided")
    better = paired_difference({0: 0.75, 1: 0.5}, {0: 0.5, 1: 0.25})
    assert better is not None
    assert better.verdict == "undecided"
    assert better.in_points() == "+25.0 percentage points, the same for all 2 seeds, not tested"
    assert paired_difference({0: 1.0}, {1: 1.0}) is None


def test_a_difference_is_formatted_as_text() -> None:
    difference = paired_difference({0: 0.5, 1: 0.6, 2: 0.7}, {0: 0.4, 1: 0.4, 2: 0.4})
    assert difference is not None
    assert difference.in_points() == (
        "+20.0 percentage points (95 % interval -4.8 to +44.8, paired t test p = 0.074, 3 seeds)"
    )
