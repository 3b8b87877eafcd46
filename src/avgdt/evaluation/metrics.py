"""Classification metrics: confusion matrix and accuracy with confidence interval, for one fold or several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.folds import Fold, Folds

NORMAL_95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution, for two-sided 95 % intervals."""


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval (Wilson, 1927) of a binomial proportion.

    The interval is accurate even for a small number of trials and for proportions near 0 or 1.
    """
    if trials == 0:
        return 0.0, 1.0
    proportion, z2 = hits / trials, NORMAL_95**2
    centre = (proportion + z2 / (2 * trials)) / (1 + z2 / trials)
    half = NORMAL_95 * sqrt(proportion * (1 - proportion) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    # For proportions of 0 and 1, a bound equals the proportion, but is computed only up to rounding.
    return min(max(0.0, centre - half), proportion), max(min(1.0, centre + half), proportion)


@dataclass(frozen=True)
class Score:
    """Confusion matrix of a classification, with the accuracies derived from it."""

    confusion: NDArray[np.int64]
    """Confusion matrix, (classes, classes): rows are true classes, columns are predicted classes."""

    @property
    def accuracy(self) -> float:
        """Fraction of correct predictions."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the accuracy."""
        return wilson_interval(int(np.trace(self.confusion)), int(self.confusion.sum()))

    @property
    def class_accuracy(self) -> list[float | None]:
        """Fraction of correct predictions for each class; None for a class without examples."""
        counts = self.confusion.sum(axis=1)
        return [float(self.confusion[c, c] / n) if n else None for c, n in enumerate(counts)]

    @property
    def mean_class_accuracy(self) -> float:
        """Unweighted mean of the class accuracies."""
        return float(np.mean([a for a in self.class_accuracy if a is not None]))


def score(predictions: NDArray[np.int64], truth: NDArray[np.int64], classes: int) -> Score:
    """Compute the score of predicted class indices (n,), given the true indices (n,); all are below ``classes``."""
    confusion = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(confusion, (truth, predictions), 1)
    return Score(confusion)


def score_metrics(score: Score, classes: Sequence[str]) -> dict[str, Any]:
    """Return the metrics of a score as plain data for a result; ``classes`` are the class names."""
    return {
        "accuracy": score.accuracy,
        "interval": list(score.interval),
        "mean_class_accuracy": score.mean_class_accuracy,
        "class_accuracy": dict(zip(classes, score.class_accuracy, strict=True)),
        "confusion": score.confusion.tolist(),
    }


@dataclass(frozen=True)
class FoldScore:
    """Score on the test recordings of one fold."""

    score: Score
    details: Mapping[str, Any]
    """Additional entries for the fold in a result, as plain data."""


def fold_metrics(
    folds: Folds, test: Callable[[Fold], FoldScore], after: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Evaluate every fold with ``test`` and return the combined metrics for a result.

    ``after`` is called after each fold. ``accuracy`` is the mean over the folds; with several folds, ``accuracy_std``
    is the sample standard deviation. All other metrics are computed from the pooled predictions of all folds. The
    confidence interval is omitted if a recording is in the test sets of several folds.
    """
    scores, rows = list[Score](), list[dict[str, Any]]()
    for fold in folds.folds:
        fold_score = test(fold)
        scores.append(fold_score.score)
        rows.append({"fold": fold.name, "accuracy": fold_score.score.accuracy, **fold_score.details})
        after()
    accuracies = [score.accuracy for score in scores]
    metrics = score_metrics(pooled(scores), folds.classes)
    tests = np.concatenate([fold.test for fold in folds.folds])
    if len(np.unique(tests)) < len(tests):
        del metrics["interval"]  # the interval assumes that no recording is tested twice
    return {**metrics, "accuracy": float(np.mean(accuracies)), **std_of(accuracies), "folds": rows}


def pooled(scores: Sequence[Score]) -> Score:
    """Combine several scores into one by adding their confusion matrices."""
    return Score(np.sum([score.confusion for score in scores], axis=0))


def std_of(accuracies: Sequence[float]) -> dict[str, float]:
    """Return the result entry ``accuracy_std``, the sample standard deviation; an empty dict for a single accuracy."""
    return {"accuracy_std": float(np.std(accuracies, ddof=1))} if len(accuracies) > 1 else {}
