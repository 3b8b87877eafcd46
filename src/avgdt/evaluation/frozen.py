"""What frozen features of sub-clips tell in one fold: a linear layer by the letter, and two tuned probes beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.linear_layer import predict, train_layer
from avgdt.evaluation.over_folds import Tested, over_folds
from avgdt.evaluation.probes import Labelled, ProbeResult, knn_probe, linear_probe
from avgdt.evaluation.scores import score

EPOCHS = (10, 25, 50, 100, 200, 400)
"""Numbers of epochs among which a training fold chooses where none is given."""
Features = NDArray[np.float32]
"""(recordings, windows, dim)."""


def frozen_figures(
    features: Features, folds: Folds, epochs: int, seed: int, after: Callable[[], None]
) -> dict[str, dict[str, Any]]:
    """All three in all folds; the probes see the mean over the windows. ``after`` is called three times a fold."""
    means = features.mean(axis=1)
    return {
        "linear_layer": over_folds(folds, lambda fold: linear_layer(features, folds, fold, epochs, seed), after),
        "logistic_regression": over_folds(folds, lambda fold: logistic_regression(means, folds, fold), after),
        "nearest_neighbours": over_folds(folds, lambda fold: nearest_neighbours(means, folds, fold), after),
    }


def linear_layer(features: Features, folds: Folds, fold: Fold, epochs: int, seed: int) -> Tested:
    """Train a linear layer on the training folds, test it; ``epochs`` 0 chooses them on one of the training folds."""
    tried = _try_epochs(features, folds, fold, seed) if epochs == 0 else {}
    epochs = epochs or max(EPOCHS, key=lambda count: tried[count])  # max keeps the first, that is the fewest, of equals
    layer = train_layer(features[fold.taught], folds.targets[fold.taught], len(folds.classes), epochs, seed)
    told = [{"epochs": count, "val_accuracy": accuracy} for count, accuracy in tried.items()]
    guesses = predict(layer, features[fold.test])
    return Tested(
        score(guesses, folds.targets[fold.test], len(folds.classes)), {"chosen": {"epochs": epochs}, "tried": told}
    )


def _try_epochs(features: Features, folds: Folds, fold: Fold, seed: int) -> dict[int, float]:
    """Epochs -> accuracy on the fold that chooses, after learning from the other training folds."""
    accuracies = dict[int, float]()

    def watch(done: int, layer: nn.Linear) -> None:
        if done in EPOCHS:
            guesses = predict(layer, features[fold.val])
            accuracies[done] = score(guesses, folds.targets[fold.val], len(folds.classes)).accuracy

    train_layer(features[fold.train], folds.targets[fold.train], len(folds.classes), max(EPOCHS), seed, watch)
    return accuracies


def logistic_regression(means: NDArray[np.float32], folds: Folds, fold: Fold) -> Tested:
    """A standardised, L2-regularised logistic regression on (recordings, dim), its C chosen on a training fold."""
    return _probed(partial(linear_probe, classes=len(folds.classes), refit=True), "C", means, folds, fold)


def nearest_neighbours(means: NDArray[np.float32], folds: Folds, fold: Fold) -> Tested:
    """The vote of the k nearest by cosine of standardised (recordings, dim), k chosen on a training fold."""
    return _probed(partial(knn_probe, classes=len(folds.classes), refit=True), "k", means, folds, fold)


def _probed(
    probe: Callable[[Labelled, Labelled, Labelled], ProbeResult],
    parameter: str,
    means: NDArray[np.float32],
    folds: Folds,
    fold: Fold,
) -> Tested:
    if not len(fold.val):
        raise EvaluationError(
            f"split {fold.name}: train has one usable recording of each class, and none is left to choose {parameter}"
        )
    result = probe(*(Labelled(means[rows], folds.targets[rows]) for rows in (fold.train, fold.val, fold.test)))
    told = {"chosen": {parameter: result.chosen}, "val_accuracy": result.val_accuracy, "converged": result.converged}
    return Tested(result.score, told)
