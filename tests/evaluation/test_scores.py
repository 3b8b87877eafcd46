from __future__ import annotations

import numpy as np
import pytest

from avgdt.evaluation.scores import score


def test_by_hand() -> None:
    truth = np.array([0, 0, 0, 1, 1, 3])
    guess = np.array([0, 0, 1, 1, 3, 3])
    result = score(guess, truth, classes=4)
    assert result.confusion.tolist() == [[2, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 1]]
    assert result.accuracy == pytest.approx(4 / 6)
    assert result.class_accuracy == [pytest.approx(2 / 3), 0.5, None, 1.0]
    assert result.mean_class_accuracy == pytest.approx((2 / 3 + 0.5 + 1) / 3)
    assert result.interval[0] < result.accuracy < result.interval[1]
