from __future__ import annotations

import numpy as np

from avgdt.evaluation.reidentification import reidentify


def test_both_ways_are_pooled() -> None:
    first = np.eye(4)
    second = np.eye(4)[[1, 0, 2, 3]]  # recordings 0 and 1 are mistaken for each other
    assert reidentify(first, second, first, first)["accuracy"] == (2 + 4) / 8
    assert reidentify(first, first, second, first)["accuracy"] == (4 + 2) / 8
    assert reidentify(first, second, second, first)["accuracy"] == 0.5
    # The mistaken queries tie their own key (cosine 0) with two others and stand behind the wrong one: rank 4.
    assert reidentify(first, second, second, first)["median_rank"] == (1 + 4) / 2


def test_equal_embeddings_are_not_hits() -> None:
    same = np.ones((5, 3))
    figures = reidentify(same, same, same, same)
    assert figures == {"accuracy": 0.0, "r5": 1.0, "median_rank": 5.0, "candidates": 5}
