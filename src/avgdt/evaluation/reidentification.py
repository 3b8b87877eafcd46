"""Knowing a recording again by another moment of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.retrieval import ranks, summary


def reidentify(
    first_queries: NDArray[np.floating],
    second_keys: NDArray[np.floating],
    second_queries: NDArray[np.floating],
    first_keys: NDArray[np.floating],
) -> dict[str, float]:
    """How often the nearest of all recordings' other moments is the query's own recording's, both ways.

    Each (n, dim): queries from the first moment are ranked among the keys of the second, and the reverse;
    the two lots of n ranks are pooled. ``accuracy`` is the share of first places; ties count against.
    """
    places = np.concatenate([ranks(first_queries, second_keys), ranks(second_queries, first_keys)])
    pooled = summary(places, len(first_keys))
    return {
        "accuracy": pooled["r1"],
        "r5": pooled["r5"],
        "median_rank": pooled["median_rank"],
        "candidates": pooled["candidates"],
    }
