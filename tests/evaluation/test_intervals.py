from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from avgdt.evaluation.intervals import wilson_interval


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (10, 10), (3, 10), (57, 100), (1, 1), (999, 1000)])
def test_agrees_with_scipy(hits: int, trials: int) -> None:
    expected = binomtest(hits, trials).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson_interval(hits, trials), (expected.low, expected.high), atol=1e-12)


def test_no_trials_say_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
