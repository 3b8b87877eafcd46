"""Probes of frozen features: logistic regression, k nearest neighbours and the linear SVM."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.svm import LinearSVC

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.logistic_regression import LogisticRegression, fit_path
from avgdt.evaluation.metrics import FoldScore, Score, score

STRENGTHS = tuple(float(10.0**exponent) for exponent in np.arange(-5, 2.5, 0.5))
"""Inverse regularisation strengths C that the logistic regression tries, strongest regularisation first."""
NEIGHBOURS = (1, 3, 5, 10, 20, 50, 100)
"""Numbers of neighbours that the k-NN probe tries."""
SVM_STRENGTH = 0.01
"""C of the linear SVM, the weight of the errors against the penalty (the paper's for DCASE2014)."""


@dataclass(frozen=True)
class Labelled:
    """The examples of one split."""

    features: NDArray[np.floating]
    """(n, dim)."""
    targets: NDArray[np.int64]
    """(n,) class indices."""


@dataclass(frozen=True)
class ProbeResult:
    """A probe's test score and how its hyperparameter was chosen."""

    score: Score
    """On the test split."""
    chosen: float
    """The hyperparameter (C, or k) that was best on the validation split."""
    val_accuracy: float
    """Its accuracy there."""
    val_accuracies: dict[float, float]
    """Hyperparameter -> accuracy on the validation split, of all that were tried."""
    converged: bool = True
    """False when the optimisation of the chosen classifier ended before its optimum."""


class Probe(Protocol):
    """The type of :func:`logistic_regression` and :func:`nearest_neighbours`."""

    def __call__(
        self, train: Labelled, val: Labelled, test: Labelled, classes: int, *, refit: bool = False
    ) -> ProbeResult:
        """Fit on train, choose on val, measure on test; with ``refit`` the final fit is on train and val."""


def standardise(train: Labelled, *others: Labelled) -> list[Labelled]:
    """All splits with the mean and the standard deviation of ``train`` taken out; constant features become 0."""
    features = train.features.astype(np.float64)
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    # Rounding leaves a constant feature a deviation of about 1e-16 of its size: noise, not to be blown up.
    constant = deviation <= 1e-7 * np.abs(mean)
    scale = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, deviation))
    return [Labelled((split.features - mean) * scale, split.targets) for split in (train, *others)]


def joined(train: Labelled, val: Labelled) -> Labelled:
    """The examples of both."""
    return Labelled(np.concatenate([train.features, val.features]), np.concatenate([train.targets, val.targets]))


def within_rows(train: Labelled, *others: Labelled) -> list[Labelled]:
    """Coordinates in the space that the rows of ``train`` span, where they are fewer than the features; else no change.

    The weights of a linear model with an L2 penalty lie in that space: its predictions stay, its cost does not.
    """
    splits = (train, *others)
    rows, dim = train.features.shape
    if dim <= rows:
        return list(splits)
    basis, _ = np.linalg.qr(train.features.T)
    return [Labelled(split.features @ basis, split.targets) for split in splits]


def logistic_regression(
    train: Labelled,
    val: Labelled,
    test: Labelled,
    classes: int,
    strengths: Sequence[float] = STRENGTHS,
    refit: bool = False,
) -> ProbeResult:
    """Multinomial logistic regression on standardised features, fitted on ``train``, its C chosen on ``val``.

    Of equal accuracies there, the greater likelihood of the truth decides. ``train`` must hold every class. With
    ``refit`` the tested classifier is fitted with that C on ``train`` and ``val`` together.
    """
    train_val, raw_test = joined(train, val), test
    train, val, test = within_rows(*standardise(train, val, test))
    fits = fit_path(train.features, train.targets, classes, strengths)
    accuracies = {
        strength: score(fit.predict(val.features), val.targets, classes).accuracy for strength, fit in fits.items()
    }
    best = max(strengths, key=lambda c: (accuracies[c], _likelihood(fits[c], val)))
    model = fits[best]
    if refit:
        train_val, test = within_rows(*standardise(train_val, raw_test))
        path = [strength for strength in strengths if strength < best]
        model = fit_path(train_val.features, train_val.targets, classes, [best], path)[best]
    tested = score(model.predict(test.features), test.targets, classes)
    return ProbeResult(tested, best, accuracies[best], accuracies, model.converged)


def _likelihood(model: LogisticRegression, split: Labelled) -> float:
    """Mean log-likelihood of the truth, finite even where its probability rounds to zero."""
    probabilities = model.probabilities(split.features)
    return -float(log_loss(split.targets, probabilities, labels=np.arange(probabilities.shape[1])))


def nearest_neighbours(
    train: Labelled,
    val: Labelled,
    test: Labelled,
    classes: int,
    neighbours: Sequence[int] = NEIGHBOURS,
    refit: bool = False,
) -> ProbeResult:
    """Majority vote of the k nearest of ``train`` by cosine of standardised features, k chosen on ``val``.

    Equal votes go to the class whose voters are nearer (greater sum of cosines); of equal accuracies on ``val``, the
    smaller k is chosen. With ``refit`` both splits vote on ``test``.
    """
    train_val, raw_test = joined(train, val), test
    train, val, test = standardise(train, val, test)
    tried = [k for k in neighbours if k <= len(train.targets)]
    predictions = _votes(train, val.features, classes, tried)
    accuracies = {float(k): score(predictions[k], val.targets, classes).accuracy for k in tried}
    chosen = max(tried, key=lambda k: accuracies[k])  # max keeps the first, that is the smallest, of equals
    if refit:
        train, test = standardise(train_val, raw_test)
    tested = score(_votes(train, test.features, classes, [chosen])[chosen], test.targets, classes)
    return ProbeResult(tested, chosen, accuracies[chosen], accuracies)


def _unit(features: NDArray[np.floating]) -> NDArray[np.floating]:
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(length == 0, 1.0, length)


def _votes(
    train: Labelled, queries: NDArray[np.floating], classes: int, neighbours: Sequence[int], chunk: int = 1024
) -> dict[int, NDArray[np.int64]]:
    """k -> predictions (n,), in chunks of queries so that the similarities fit in memory."""
    keys, most, parts = _unit(train.features).T, max(neighbours), {k: list[NDArray[np.int64]]() for k in neighbours}
    for begin in range(0, len(queries), chunk):
        similarity = _unit(queries[begin : begin + chunk]) @ keys
        order = np.argsort(-similarity, axis=1, kind="stable")[:, :most]
        near = np.take_along_axis(similarity, order, axis=1)
        voters = np.eye(classes)[train.targets[order]]  # (queries, most, classes)
        for k in neighbours:
            # A sum of k cosines divided by 2k + 1 stays within +-1/2: it decides between equal counts only.
            votes = voters[:, :k].sum(axis=1) + np.einsum("qk,qkc->qc", near[:, :k], voters[:, :k]) / (2 * k + 1)
            parts[k].append(votes.argmax(axis=1))
    return {k: np.concatenate(part) for k, part in parts.items()}


def logistic_regression_fold(means: NDArray[np.float32], folds: Folds, fold: Fold) -> FoldScore:
    """A standardised, L2-regularised logistic regression on (recordings, dim), its C chosen on val."""
    return _probe_fold(partial(logistic_regression, classes=len(folds.classes), refit=True), "C", means, folds, fold)


def nearest_neighbours_fold(means: NDArray[np.float32], folds: Folds, fold: Fold) -> FoldScore:
    """The vote of the k nearest by cosine of standardised (recordings, dim), k chosen on val."""
    return _probe_fold(partial(nearest_neighbours, classes=len(folds.classes), refit=True), "k", means, folds, fold)


def _probe_fold(
    probe: partial[ProbeResult], parameter: str, means: NDArray[np.float32], folds: Folds, fold: Fold
) -> FoldScore:
    if not len(fold.val):
        raise EvaluationError(
            f"split {fold.name}: train has one usable recording of each class, and none can validate {parameter}"
        )
    result = probe(*(Labelled(means[rows], folds.targets[rows]) for rows in (fold.train, fold.val, fold.test)))
    details = {"chosen": {parameter: result.chosen}, "val_accuracy": result.val_accuracy, "converged": result.converged}
    return FoldScore(result.score, details)


def linear_svm_fold(features: NDArray[np.float32], folds: Folds, fold: Fold) -> FoldScore:
    """One-vs-rest linear SVM, fitted on every sub-clip of (recordings, sub-clips, dim) of train and val, in the primal.

    The loss is the squared hinge, the features are not standardised (the paper does not mention it), and the intercept
    is penalised with the weights. The prediction is the class of the greatest decision value, averaged over sub-clips.
    """
    train, classes = features[fold.train_val], len(folds.classes)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model = LinearSVC(C=SVM_STRENGTH, dual=False).fit(
            train.reshape(-1, train.shape[2]), np.repeat(folds.targets[fold.train_val], train.shape[1])
        )
    converged = not any(issubclass(one.category, ConvergenceWarning) for one in caught)
    test = features[fold.test]
    values = model.decision_function(test.reshape(-1, test.shape[2]))
    if values.ndim == 1:  # for two classes there is one column, that of the second
        values = np.stack([-values, values], axis=1)
    predictions = values.reshape(*test.shape[:2], classes).mean(axis=1).argmax(axis=1)
    details = {"C": SVM_STRENGTH, "converged": converged}
    return FoldScore(score(predictions, folds.targets[fold.test], classes), details)
