"""Classifiers on frozen features: logistic regression, k-nearest neighbours and a linear SVM."""

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
"""Values of C (inverse regularisation strength) searched for logistic regression, in ascending order."""
NEIGHBOURS = (1, 3, 5, 10, 20, 50, 100)
"""Numbers of neighbours k searched for the k-NN probe."""
SVM_STRENGTH = 0.01
"""C (inverse regularisation strength) of the linear SVM; the paper's value for DCASE2014."""


@dataclass(frozen=True)
class Labelled:
    """Features and targets of the examples of one split."""

    features: NDArray[np.floating]
    """Feature vectors of the examples, (n, dim)."""
    targets: NDArray[np.int64]
    """Class indices of the examples, (n,)."""


@dataclass(frozen=True)
class ProbeResult:
    """Test score of a probe, and the outcome of its hyperparameter selection."""

    score: Score
    """Score on the test split."""
    chosen: float
    """Hyperparameter value (C or k) selected on the validation split."""
    val_accuracy: float
    """Validation accuracy with the selected hyperparameter."""
    val_accuracies: dict[float, float]
    """Validation accuracy for every hyperparameter value that was tried."""
    converged: bool = True
    """Whether the solver of the final classifier converged."""


class Probe(Protocol):
    """Interface of the functions :func:`logistic_regression` and :func:`nearest_neighbours`."""

    def __call__(
        self, train: Labelled, val: Labelled, test: Labelled, classes: int, *, refit: bool = False
    ) -> ProbeResult:
        """Fit on ``train``, select the hyperparameter on ``val``, and compute the score on ``test``.

        If ``refit`` is True, the final classifier is fitted on ``train`` and ``val`` together.
        """


def standardise(train: Labelled, *others: Labelled) -> list[Labelled]:
    """Standardise all splits by the mean and standard deviation of ``train``; constant features become 0."""
    features = train.features.astype(np.float64)
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    # Due to rounding, a constant feature has a std of about 1e-16 times its mean, which must not be scaled to 1.
    constant = deviation <= 1e-7 * np.abs(mean)
    scale = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, deviation))
    return [Labelled((split.features - mean) * scale, split.targets) for split in (train, *others)]


def concatenate_splits(train: Labelled, val: Labelled) -> Labelled:
    """Concatenate the examples of two splits."""
    return Labelled(np.concatenate([train.features, val.features]), np.concatenate([train.targets, val.targets]))


def within_rows(train: Labelled, *others: Labelled) -> list[Labelled]:
    """Project the features onto the row space of ``train`` if it has fewer examples than features.

    The weights of a linear model with an L2 penalty lie in this space, so the predictions are unchanged and the cost is
    lower. If there are at least as many examples as features, the splits are returned unchanged.
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
    """Fit multinomial logistic regression on the standardised features of ``train``, with C selected on ``val``.

    Among values of C with the same validation accuracy, the one with the highest validation likelihood is selected.
    ``train`` must contain every class. If ``refit`` is True, the final classifier is fitted on ``train`` and ``val``
    together.
    """
    train_val, raw_test = concatenate_splits(train, val), test
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
    """Return the mean log-likelihood of the true classes; it is finite even if a probability rounds to zero."""
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
    """Classify by a majority vote of the k nearest neighbours in cosine similarity, with k selected on ``val``.

    The neighbours are examples of ``train``, and the features are standardised. Ties between classes are resolved in
    favour of the larger sum of cosine similarities, and ties between values of k in favour of the smaller k. If
    ``refit`` is True, the neighbours of ``test`` are examples of ``train`` and ``val``.
    """
    train_val, raw_test = concatenate_splits(train, val), test
    train, val, test = standardise(train, val, test)
    tried = [k for k in neighbours if k <= len(train.targets)]
    predictions = _votes(train, val.features, classes, tried)
    accuracies = {float(k): score(predictions[k], val.targets, classes).accuracy for k in tried}
    chosen = max(tried, key=lambda k: accuracies[k])  # on ties, max returns the smallest k
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
    """Predict the class indices (n,) of queries for each k; the queries are processed in chunks to limit memory."""
    keys, most, parts = _unit(train.features).T, max(neighbours), {k: list[NDArray[np.int64]]() for k in neighbours}
    for begin in range(0, len(queries), chunk):
        similarity = _unit(queries[begin : begin + chunk]) @ keys
        order = np.argsort(-similarity, axis=1, kind="stable")[:, :most]
        cosines = np.take_along_axis(similarity, order, axis=1)
        voters = np.eye(classes)[train.targets[order]]  # (queries, most, classes)
        for k in neighbours:
            # A sum of k cosines divided by 2k + 1 is below 1/2 in absolute value, so it only breaks ties.
            votes = voters[:, :k].sum(axis=1) + np.einsum("qk,qkc->qc", cosines[:, :k], voters[:, :k]) / (2 * k + 1)
            parts[k].append(votes.argmax(axis=1))
    return {k: np.concatenate(part) for k, part in parts.items()}


def logistic_regression_fold(means: NDArray[np.float32], folds: Folds, fold: Fold) -> FoldScore:
    """Score logistic regression on standardised features (recordings, dim) in one fold; C is selected on val."""
    return _probe_fold(partial(logistic_regression, classes=len(folds.classes), refit=True), "C", means, folds, fold)


def nearest_neighbours_fold(means: NDArray[np.float32], folds: Folds, fold: Fold) -> FoldScore:
    """Score k-nearest neighbours on standardised features (recordings, dim) in one fold; k is selected on val."""
    return _probe_fold(partial(nearest_neighbours, classes=len(folds.classes), refit=True), "k", means, folds, fold)


def _probe_fold(
    probe: partial[ProbeResult], parameter: str, means: NDArray[np.float32], folds: Folds, fold: Fold
) -> FoldScore:
    if not len(fold.val):
        raise EvaluationError(
            f"split {fold.name}: train has only one usable recording of each class, so none remains for the "
            f"selection of {parameter}; add recordings to train"
        )
    result = probe(*(Labelled(means[rows], folds.targets[rows]) for rows in (fold.train, fold.val, fold.test)))
    details = {"chosen": {parameter: result.chosen}, "val_accuracy": result.val_accuracy, "converged": result.converged}
    return FoldScore(result.score, details)


def linear_svm_fold(features: NDArray[np.float32], folds: Folds, fold: Fold) -> FoldScore:
    """Fit a one-vs-rest linear SVM on the train and val sub-clips of a fold, and score it on the test recordings.

    ``features`` are (recordings, sub-clips, dim). The squared hinge loss is minimised in the primal. The features are
    not standardised, since the paper mentions no standardisation. The intercept is penalised like the weights. The
    predicted class of a recording is the class with the highest mean decision value over its sub-clips.
    """
    train, classes = features[fold.train_val], len(folds.classes)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model = LinearSVC(C=SVM_STRENGTH, dual=False).fit(
            train.reshape(-1, train.shape[2]), np.repeat(folds.targets[fold.train_val], train.shape[1])
        )
    converged = not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    test = features[fold.test]
    values = model.decision_function(test.reshape(-1, test.shape[2]))
    if values.ndim == 1:  # with two classes, only the decision values of the second class are returned
        values = np.stack([-values, values], axis=1)
    predictions = values.reshape(*test.shape[:2], classes).mean(axis=1).argmax(axis=1)
    details = {"C": SVM_STRENGTH, "converged": converged}
    return FoldScore(score(predictions, folds.targets[fold.test], classes), details)
