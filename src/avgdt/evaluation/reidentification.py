"""Knowing a recording again by another moment of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.retrieval import chance as ranking_chance
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
    return _named(summary(places, len(first_keys)))


def chance(candidates: int) -> dict[str, float]:
    """What :func:`reidentify` gives on average when the keys are in random order."""
    return _named(ranking_chance(candidates))


def _named(figures: dict[str, float]) -> dict[str, float]:
    return {
        "accuracy": figures["r1"],
        "r5": figures["r5"],
        "median_rank": figures["median_rank"],
        "candidates": figures["candidates"],
    }
