"""One figure of a finetuning in each of several splits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.finetuning.finetune import Guessed
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.over_folds import Tested, over_folds
from avgdt.evaluation.scores import score


def split_figures(folds: Folds, guessed: Mapping[str, Guessed]) -> dict[str, Any]:
    """Mean and spread of the splits' accuracies among the recordings that could be read; split -> what was guessed.

    Raises :class:`EvaluationError` where none could.
    """

    def test(fold: Fold) -> Tested:
        found = guessed[fold.name]
        read = found.guesses >= 0
        if not read.any():
            raise EvaluationError(f"split {fold.name}: no test recording could be read")
        scored = score(found.guesses[read], folds.targets[fold.test][read], len(folds.classes))
        return Tested(scored, {"loss": found.loss, "unread": found.failures})

    return over_folds(folds, test)
