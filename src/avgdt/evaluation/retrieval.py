"""Finding a recording's one modality by the other among many recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TIE = 1e-7
"""Cosines closer than this are equal: the resolution of the float32 embeddings."""


def ranks(queries: NDArray[np.floating], keys: NDArray[np.floating], chunk: int = 1024) -> NDArray[np.int64]:
    """The place (n,), from 1, of each query's own key when all keys (n, dim) are sorted by cosine to it.

    Ties count against: every other key that is not strictly less similar stands before the own one.
    """
    queries, keys = unit(queries), unit(keys)
    places = np.empty(len(queries), dtype=np.int64)
    for begin in range(0, len(queries), chunk):
        similarity = queries[begin : begin + chunk] @ keys.T
        own = similarity[np.arange(len(similarity)), begin + np.arange(len(similarity))]
        # Negated "less" rather than "greater or equal": not-a-number counts against too. The own key is not
        # less than itself, hence no + 1.
        places[begin : begin + chunk] = (~(similarity < own[:, None] - TIE)).sum(axis=1)
    return places


def retrieve(queries: NDArray[np.floating], keys: NDArray[np.floating]) -> dict[str, float]:
    """Recall at 1, 5 and 10 (shares, 0-1) and median rank of key i for query i, both (n, dim), among all n keys."""
    return summary(ranks(queries, keys), len(keys))


def summary(places: NDArray[np.int64], candidates: int) -> dict[str, float]:
    """Recall at 1, 5 and 10 and the median of ranks among ``candidates``."""
    recall = {f"r{k}": float(np.mean(places <= k)) for k in (1, 5, 10)}
    return {**recall, "median_rank": float(np.median(places)), "candidates": candidates}


def chance(candidates: int) -> dict[str, float]:
    """What :func:`retrieve` gives on average when the keys are in random order."""
    recall = {f"r{k}": min(1.0, k / candidates) for k in (1, 5, 10)}
    return {**recall, "median_rank": (candidates + 1) / 2, "candidates": candidates}


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rows of unit length; a row of zeros stays."""
    wide = vectors.astype(np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.where(length == 0, 1.0, length)
