"""One figure of several folds, or of the one turn that there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.scores import Score, score_figures


@dataclass(frozen=True)
class Tested:
    """What came out of one fold."""

    score: Score
    """On the test fold."""
    details: Mapping[str, Any]
    """What else is worth telling, as plain data."""


def over_folds(
    folds: Folds, test: Callable[[Fold], Tested], after: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Test every fold in turn; ``after`` is called after each.

    ``accuracy`` is the mean over the folds and ``accuracy_std`` their spread (of a sample, where there are several);
    all else counts the predictions of all folds together; an interval is told where none is tested twice.
    """
    scores, told = list[Score](), list[dict[str, Any]]()
    for turn in folds.turns:
        tested = test(turn)
        scores.append(tested.score)
        told.append({"fold": turn.name, "accuracy": tested.score.accuracy, **tested.details})
        after()
    accuracies = [score.accuracy for score in scores]
    pooled = Score(np.sum([score.confusion for score in scores], axis=0))
    spread = {"accuracy_std": float(np.std(accuracies, ddof=1))} if len(accuracies) > 1 else {}
    figures = score_figures(pooled, folds.classes)
    rows = np.concatenate([turn.test for turn in folds.turns])
    if len(np.unique(rows)) < len(rows):
        del figures["interval"]  # it counts every recording as another one
    return {**figures, "accuracy": float(np.mean(accuracies)), **spread, "folds": told}
