"""Retrieval by cosine similarity: gallery, recall at k, re-identification and same-class retrieval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgdt.data.manifest import Entry
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.segments import Segment, each_once, segments
from avgdt.evaluation.splits import one_split
from avgdt.objective.nce import TIE

SAME_CLASS_RANKS = (1, 5, 20)
"""Values of k for which same-class recall is measured, as in table A.1 of the paper."""


def gallery(entries: Sequence[Entry], label: str, split: str) -> tuple[list[Segment], int]:
    """Return the distinct segments of a split, and the number of duplicate rows.

    Rows with the same file and time span are duplicates: their embeddings are equal, so their order in a ranking would
    be arbitrary.
    """
    selected = one_split(segments(entries, label or None), split)
    distinct = each_once(selected, entries, lambda segment: segment.seconds)
    return distinct, len(selected) - len(distinct)


def check_gallery(size: int) -> None:
    """Raise :class:`EvaluationError` if the gallery has fewer than two recordings, since every rank would be 1."""
    if size < 2:
        raise EvaluationError("data: only one recording is usable; a ranking needs at least two")


def ranks(queries: NDArray[np.floating], keys: NDArray[np.floating], chunk: int = 1024) -> NDArray[np.int64]:
    """Compute the rank of key i for query i (from 1) by cosine similarity, (n,).

    ``queries`` and ``keys`` are (n, dim). Ties are counted against the query: other keys within ``TIE`` of key i rank
    first.
    """
    queries, keys = unit(queries), unit(keys)
    ranking = np.empty(len(queries), dtype=np.int64)
    for begin in range(0, len(queries), chunk):
        similarity = queries[begin : begin + chunk] @ keys.T
        positive = similarity[np.arange(len(similarity)), begin + np.arange(len(similarity))]
        # The negated "<" ranks NaN before key i, which ">=" would not. The sum includes key i, so ranks start at 1.
        ranking[begin : begin + chunk] = (~(similarity < positive[:, None] - TIE["float64"])).sum(axis=1)
    return ranking


def retrieval_metrics(queries: NDArray[np.floating], keys: NDArray[np.floating]) -> dict[str, float]:
    """Compute the recall at 1, 5 and 10 (from 0 to 1) and the median rank, where key i is the positive of query i.

    ``queries`` and ``keys`` are (n, dim).
    """
    return _recall(ranks(queries, keys), len(keys))


def chance(size: int) -> dict[str, float]:
    """Return the expected :func:`retrieval_metrics` if a gallery of ``size`` recordings is ranked at random."""
    recall = {f"r{k}": min(1.0, k / size) for k in (1, 5, 10)}
    return {**recall, "median_rank": (size + 1) / 2, "gallery": size}


def reidentify(
    first_queries: NDArray[np.floating],
    second_keys: NDArray[np.floating],
    second_queries: NDArray[np.floating],
    first_keys: NDArray[np.floating],
) -> dict[str, float]:
    """Compute how often the nearest key of a query is the other window of the same recording.

    All arrays are (n, dim). The keys of the second windows are ranked for the queries of the first windows and vice
    versa, and the 2 n ranks are pooled. ``accuracy`` is the fraction of ranks that are 1; ties are counted as errors.
    """
    both = np.concatenate([ranks(first_queries, second_keys), ranks(second_queries, first_keys)])
    return _as_accuracy(_recall(both, len(first_keys)))


def reidentification_chance(size: int) -> dict[str, float]:
    """Return the expected result of :func:`reidentify` if a gallery of ``size`` recordings is ranked at random."""
    return _as_accuracy(chance(size))


def same_class_metrics(features: NDArray[np.floating], folds: Folds) -> dict[str, Any]:
    """Compute the same-class recall at 1, 5 and 20 from features (recordings, dim); see :func:`same_class_recall`.

    Returns the mean over the folds and, with several folds, the sample standard deviation.
    """
    return _over_folds([same_class_recall(features, folds.targets, fold) for fold in folds.folds], folds)


def same_class_chance(folds: Folds) -> dict[str, float]:
    """Return the expected recalls of :func:`same_class_metrics` if the training recordings are ranked at random."""
    metrics = _over_folds([_expected_recall(folds.targets, fold) for fold in folds.folds], folds)
    return {f"r{k}": metrics[f"r{k}"] for k in SAME_CLASS_RANKS}


def same_class_recall(
    features: NDArray[np.floating], targets: NDArray[np.int64], fold: Fold, chunk: int = 1024
) -> list[float]:
    """Compute the fraction of test recordings with a recording of their class among the k nearest neighbours.

    The neighbours are recordings of the training set, ranked by cosine similarity. Returns the fractions for k = 1, 5
    and 20. In a tie, recordings of other classes rank first, so that constant features have a recall of 0.
    """
    train_val = fold.train_val
    keys, queries = unit(features[train_val]), unit(features[fold.test])
    better = []
    for begin in range(0, len(queries), chunk):
        similarity = queries[begin : begin + chunk] @ keys.T
        same = targets[fold.test][begin : begin + chunk, None] == targets[train_val]
        best = np.where(same, similarity, -np.inf).max(axis=1, keepdims=True)
        better.append((~same & ~(similarity < best - TIE["float64"])).sum(axis=1))
    return [float(np.mean(np.concatenate(better) < k)) for k in SAME_CLASS_RANKS]


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scale the rows of an array (n, dim) to unit length; a zero row is unchanged."""
    wide = vectors.astype(np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.where(length == 0, 1.0, length)


def _recall(ranking: NDArray[np.int64], size: int) -> dict[str, float]:
    recall = {f"r{k}": float(np.mean(ranking <= k)) for k in (1, 5, 10)}
    return {**recall, "median_rank": float(np.median(ranking)), "gallery": size}


def _as_accuracy(metrics: dict[str, float]) -> dict[str, float]:
    return {"accuracy": metrics["r1"], **{name: metrics[name] for name in ("r5", "median_rank", "gallery")}}


def _expected_recall(targets: NDArray[np.int64], fold: Fold) -> list[float]:
    """Compute the expectation of :func:`same_class_recall` if the training recordings are ranked at random.

    The expected recall is 1 - P(none of the first k recordings has the query's class).
    """
    train = targets[fold.train_val]
    total, same = len(train), np.bincount(train, minlength=int(targets.max()) + 1)[targets[fold.test]]
    missed, recall = np.ones(len(same)), []
    for rank in range(max(SAME_CLASS_RANKS)):
        missed *= np.clip(total - same - rank, 0, None) / max(total - rank, 1)
        if rank + 1 in SAME_CLASS_RANKS:
            recall.append(float(np.mean(1 - missed)))
    return recall


def _over_folds(recalls: Sequence[Sequence[float]], folds: Folds) -> dict[str, Any]:
    table = np.array(recalls)
    metrics = dict[str, Any]()
    for column, k in enumerate(SAME_CLASS_RANKS):
        metrics[f"r{k}"] = float(table[:, column].mean())
        if len(table) > 1:
            metrics[f"r{k}_std"] = float(table[:, column].std(ddof=1))
    metrics["folds"] = [
        {"fold": fold.name, **{f"r{k}": float(recall) for k, recall in zip(SAME_CLASS_RANKS, row, strict=True)}}
        for fold, row in zip(folds.folds, table, strict=True)
    ]
    return metrics
