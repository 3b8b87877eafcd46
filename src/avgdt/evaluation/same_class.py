"""Retrieval of recordings of the same class: each test recording looks for its like among the training recordings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.retrieval import TIE, unit

FIRST = (1, 5, 20)
"""Places among which one of the same class counts as found."""


def same_class_figures(features: NDArray[np.floating], folds: Folds) -> dict[str, Any]:
    """Recall at 1, 5 and 20 by cosine of (recordings, dim): mean over the splits, with the spread of several."""
    return _over([recalls(features, folds.targets, fold) for fold in folds.turns], folds)


def same_class_chance(folds: Folds) -> dict[str, float]:
    """What random features give on average."""
    found = _over([_expected(folds.targets, fold) for fold in folds.turns], folds)
    return {f"r{k}": found[f"r{k}"] for k in FIRST}


def recalls(features: NDArray[np.floating], targets: NDArray[np.int64], fold: Fold, chunk: int = 1024) -> list[float]:
    """Share of test recordings with one of their class among the 1, 5 and 20 nearest training recordings.

    Of equally near ones, those of another class stand first, so that features that tell nothing find nothing.
    """
    keys, queries = unit(features[fold.taught]), unit(features[fold.test])
    places = []
    for begin in range(0, len(queries), chunk):
        similarity = queries[begin : begin + chunk] @ keys.T
        same = targets[fold.test][begin : begin + chunk, None] == targets[fold.taught]
        best = np.where(same, similarity, -np.inf).max(axis=1, keepdims=True)
        places.append((~same & ~(similarity < best - TIE)).sum(axis=1))
    return [float(np.mean(np.concatenate(places) < k)) for k in FIRST]


def _expected(targets: NDArray[np.int64], fold: Fold) -> list[float]:
    """The same for a random order, exactly: one less the chance that none of the first k is of the class."""
    total = len(fold.taught)
    own = np.bincount(targets[fold.taught], minlength=int(targets.max()) + 1)[targets[fold.test]]
    missed, found = np.ones(len(own)), []
    for place in range(max(FIRST)):
        missed *= np.clip(total - own - place, 0, None) / max(total - place, 1)
        if place + 1 in FIRST:
            found.append(float(np.mean(1 - missed)))
    return found


def _over(shares: Sequence[Sequence[float]], folds: Folds) -> dict[str, Any]:
    table = np.array(shares)
    told = dict[str, Any]()
    for place, k in enumerate(FIRST):
        told[f"r{k}"] = float(table[:, place].mean())
        if len(table) > 1:
            told[f"r{k}_std"] = float(table[:, place].std(ddof=1))
    names = [fold.name for fold in folds.turns]
    told["folds"] = [
        {"fold": name, **{f"r{k}": float(share) for k, share in zip(FIRST, row, strict=True)}}
        for name, row in zip(names, table, strict=True)
    ]
    return told
