from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from avgdt.evaluation.metrics import score, wilson_interval


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (10, 10), (3, 10), (57, 100), (1, 1), (999, 1000)])
def test_the_interval_agrees_with_scipy(hits: int, trials: int) -> None:
    expected = binomtest(hits, trials).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson_interval(hits, trials), (expected.low, expected.high), atol=1e-12)


def test_the_interval_contains_the_proportion() -> None:
    for trials in range(1, 101):
        for hits in (0, 1, trials // 2, trials):
            low, high = wilson_interval(hits, trials)
            assert 0 <= low <= hits / trials <= high <= 1


def test_the_interval_without_trials_is_zero_to_one() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_scores_equal_values_computed_by_hand() -> None:
    truth = np.array([0, 0, 0, 1, 1, 3])
    predictions = np.array([0, 0, 1, 1, 3, 3])
    result = score(predictions, truth, classes=4)
    assert result.confusion.tolist() == [[2, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 1]]
    assert result.accuracy == pytest.approx(4 / 6)
    assert result.class_accuracy == [pytest.approx(2 / 3), 0.5, None, 1.0]
    assert result.mean_class_accuracy == pytest.approx((2 / 3 + 0.5 + 1) / 3)
    assert result.interval[0] < result.accuracy < result.interval[1]
