"""What predictions are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.intervals import wilson_interval


@dataclass(frozen=True)
class Score:
    """Predictions counted against the truth."""

    confusion: NDArray[np.int64]
    """(classes, classes): rows are the truth, columns the prediction."""

    @property
    def accuracy(self) -> float:
        """Share of right predictions."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy."""
        return wilson_interval(int(np.trace(self.confusion)), int(self.confusion.sum()))

    @property
    def class_accuracy(self) -> list[float | None]:
        """Share of right predictions for each class; None for a class without examples."""
        counts = self.confusion.sum(axis=1)
        return [float(self.confusion[c, c] / n) if n else None for c, n in enumerate(counts)]

    @property
    def mean_class_accuracy(self) -> float:
        """Mean of the class accuracies: every class weighs the same, however many examples it has."""
        return float(np.mean([a for a in self.class_accuracy if a is not None]))


def score(predictions: NDArray[np.int64], truth: NDArray[np.int64], classes: int) -> Score:
    """Count predictions (n,) against the truth (n,), both class indices below ``classes``."""
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
