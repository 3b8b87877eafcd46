"""Classification metrics: confusion matrix, accuracy with its confidence interval, and figures over several folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.folds import Fold, Folds

NORMAL_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % score interval (1927) of a binomial proportion, accurate even for few trials and near 0 or 1."""
    if trials == 0:
        return 0.0, 1.0
    share, z2 = hits / trials, NORMAL_95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = NORMAL_95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class Score:
    """The confusion matrix of a classification, and the accuracies derived from it."""

    confusion: NDArray[np.int64]
    """(classes, classes): rows are the truth, columns the prediction."""

    @property
    def accuracy(self) -> float:
        """Share of correct predictions."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the accuracy."""
        return wilson_interval(int(np.trace(self.confusion)), int(self.confusion.sum()))

    @property
    def class_accuracy(self) -> list[float | None]:
        """Share of correct predictions for each class; None for a class without examples."""
        counts = self.confusion.sum(axis=1)
        return [float(self.confusion[c, c] / n) if n else None for c, n in enumerate(counts)]

    @property
    def mean_class_accuracy(self) -> float:
        """Mean of the class accuracies: every class has the same weight, whatever its number of examples."""
        return float(np.mean([a for a in self.class_accuracy if a is not None]))


def score(predictions: NDArray[np.int64], truth: NDArray[np.int64], classes: int) -> Score:
    """The score of predictions (n,) given the true classes (n,), both indices below ``classes``."""
    confusion = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(confusion, (truth, predictions), 1)
    return Score(confusion)


def score_figures(score: Score, classes: Sequence[str]) -> dict[str, Any]:
    """A score as plain data, for a result."""
    return {
        "accuracy": score.accuracy,
        "interval": list(score.interval),
        "mean_class_accuracy": score.mean_class_accuracy,
        "class_accuracy": dict(zip(classes, score.class_accuracy, strict=True)),
        "confusion": score.confusion.tolist(),
    }


@dataclass(frozen=True)
class FoldScore:
    """The score of one fold's test recordings."""

    score: Score
    details: Mapping[str, Any]
    """Further entries of the fold in the result, as plain data."""


def fold_figures(
    folds: Folds, test: Callable[[Fold], FoldScore], after: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """The figures of ``test`` over all folds, for a result; ``after`` is called after each fold.

    ``accuracy`` is the mean over the folds and ``accuracy_std`` their sample standard deviation where there are
    several. All other figures are of the pooled predictions of all folds; the interval is absent where a recording is
    tested in more than one fold.
    """
    scores, rows = list[Score](), list[dict[str, Any]]()
    for fold in folds.folds:
        tested = test(fold)
        scores.append(tested.score)
        rows.append({"fold": fold.name, "accuracy": tested.score.accuracy, **tested.details})
        after()
    accuracies = [score.accuracy for score in scores]
    figures = score_figures(pooled(scores), folds.classes)
    tests = np.concatenate([fold.test for fold in folds.folds])
    if len(np.unique(tests)) < len(tests):
        del figures["interval"]  # it assumes that no recording is tested twice
    return {**figures, "accuracy": float(np.mean(accuracies)), **std_of(accuracies), "folds": rows}


def pooled(scores: Sequence[Score]) -> Score:
    """One score of the predictions of several: the sum of their confusion matrices."""
    return Score(np.sum([score.confusion for score in scores], axis=0))


def std_of(accuracies: Sequence[float]) -> dict[str, float]:
    """``accuracy_std``, the sample standard deviation, as an entry of a result; empty for a single accuracy."""
    return {"accuracy_std": float(np.std(accuracies, ddof=1))} if len(accuracies) > 1 else {}
