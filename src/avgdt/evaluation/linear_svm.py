"""A linear support vector machine on frozen features of sub-clips, as the paper fits it on DCASE2014."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.over_folds import Tested
from avgdt.evaluation.scores import score

STRENGTH = 0.01
"""C, the weight of the errors against the penalty."""


def linear_svm(features: NDArray[np.float32], folds: Folds, fold: Fold) -> Tested:
    """One against the rest, fitted on every sub-clip of (sounds, sub-clips, dim) of the training folds, in the primal.

    The loss is the squared hinge, the features are taken as they are (the paper tells of no standardisation), and the
    intercept is penalised with the weights. A sound is of the class whose decision value, averaged over its sub-clips,
    is the greatest.
    """
    taught, classes = features[fold.taught], len(folds.classes)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model = LinearSVC(C=STRENGTH, dual=False).fit(
            taught.reshape(-1, taught.shape[2]), np.repeat(folds.targets[fold.taught], taught.shape[1])
        )
    converged = not any(issubclass(one.category, ConvergenceWarning) for one in caught)
    test = features[fold.test]
    values = model.decision_function(test.reshape(-1, test.shape[2]))
    if values.ndim == 1:  # of two classes, the value of the second alone is given
        values = np.stack([-values, values], axis=1)
    guesses = values.reshape(*test.shape[:2], classes).mean(axis=1).argmax(axis=1)
    return Tested(score(guesses, folds.targets[fold.test], classes), {"C": STRENGTH, "converged": converged})
