from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.linear_layer import linear_layer_fold
from avgdt.evaluation.metrics import FoldScore, fold_metrics, score
from avgdt.evaluation.probes import (
    Labelled,
    ProbeResult,
    concatenate_splits,
    linear_svm_fold,
    logistic_regression,
    logistic_regression_fold,
    nearest_neighbours,
    nearest_neighbours_fold,
    standardise,
    within_rows,
)

PROBES: list[Callable[..., ProbeResult]] = [logistic_regression, nearest_neighbours]


def blobs(seed: int, n: int, classes: int = 3, dim: int = 6, std: float = 1.5) -> Labelled:
    """Return Gaussian clusters around fixed centres, whose features differ widely in scale."""
    centres = np.random.default_rng(7).normal(size=(classes, dim))
    generator = np.random.default_rng(seed)
    targets = np.arange(n) % classes
    size = 10.0 ** np.arange(-2, dim - 2)
    return Labelled((centres[targets] + std * generator.normal(size=(n, dim))) * size + 5, targets)


def test_standardise_uses_the_train_split_only() -> None:
    train, test = blobs(0, 60), blobs(1, 30)
    a, b = standardise(train, test)
    np.testing.assert_allclose(a.features.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(a.features.std(axis=0), 1, atol=1e-9)
    expected = (test.features - train.features.mean(axis=0)) / train.features.std(axis=0)
    np.testing.assert_allclose(b.features, expected, atol=1e-9)


def test_standardise_sets_constant_features_to_zero() -> None:
    features = np.full((7, 2), 0.1, dtype=np.float32)
    features[:, 1] = np.arange(7)
    train, test = standardise(Labelled(features, np.zeros(7, int)), Labelled(features + 3, np.zeros(7, int)))
    assert (train.features[:, 0] == 0).all()
    assert (test.features[:, 0] == 0).all()


def test_linear_probe_equals_a_slow_search() -> None:
    train, val, test = blobs(0, 90), blobs(1, 45), blobs(2, 60)
    result = logistic_regression(train, val, test, 3, strengths=(1e-3, 1e-1, 1e1))
    mean, deviation = train.features.mean(axis=0), train.features.std(axis=0)
    fits = {
        c: LogisticRegression(C=c, max_iter=1000).fit((train.features - mean) / deviation, train.targets)
        for c in (1e-3, 1e-1, 1e1)
    }
    on_val = {c: float((m.predict((val.features - mean) / deviation) == val.targets).mean()) for c, m in fits.items()}
    assert result.val_accuracies == on_val
    proba = {c: m.predict_proba((val.features - mean) / deviation) for c, m in fits.items()}
    likelihood = {c: sum(np.log(p[i, t]) for i, t in enumerate(val.targets)) for c, p in proba.items()}
    best = max(on_val, key=lambda c: (on_val[c], likelihood[c]))
    assert result.chosen == best
    assert result.val_accuracy == on_val[best]
    predictions = fits[best].predict((test.features - mean) / deviation)
    assert result.score.accuracy == (predictions == test.targets).mean()
    assert 0.5 < result.score.accuracy < 1.0  # hard enough for an incorrect probe to fail


def test_ties_of_validation_accuracy_are_resolved_by_likelihood() -> None:
    # With well-separated classes all accuracies are 1, and the weakest regularisation has the highest likelihood.
    split = blobs(0, 60, std=0.01)
    result = logistic_regression(split, split, split, 3, strengths=(0.1, 10.0, 1.0))
    assert set(result.val_accuracies.values()) == {1.0}
    assert result.chosen == 10.0
    # With a third of the validation labels wrong, the strongest regularisation has the highest likelihood.
    wrong = Labelled(split.features, np.where(np.arange(60) % 9 < 3, 1, split.targets))
    result = logistic_regression(split, wrong, split, 3, strengths=(1e6, 1e2, 1e-1))
    assert len(set(result.val_accuracies.values())) == 1
    assert result.chosen == 1e-1


@pytest.mark.filterwarnings("error")
def test_true_classes_of_zero_probability_give_a_finite_comparison() -> None:
    train, val = blobs(0, 90), blobs(1, 45)
    far = Labelled(val.features.copy(), val.targets)
    far.features[0] = train.features[train.targets == (val.targets[0] + 1) % 3].mean(axis=0) * 1e6
    assert logistic_regression(train, far, val, 3, strengths=(1e-1, 1e1)).val_accuracy < 1


def test_too_few_iterations_are_reported_as_not_converged(monkeypatch: pytest.MonkeyPatch) -> None:
    split = blobs(0, 60)
    assert logistic_regression(split, split, split, 3).converged
    monkeypatch.setattr("avgdt.evaluation.logistic_regression.NEWTON_STEPS", 1)
    assert not logistic_regression(split, split, split, 3).converged


def clusters_of_low_rank(seed: int, n: int, dim: int = 120, classes: int = 5) -> Labelled:
    """Return clusters in which a few directions account for most of the variance, as in the features of a network."""
    generator = np.random.default_rng(3)
    size = np.arange(1.0, dim + 1) ** -1.5
    turn, _ = np.linalg.qr(generator.normal(size=(dim, dim)))
    centres = generator.normal(size=(classes, dim)) * size
    generator, targets = np.random.default_rng(seed), np.arange(n) % classes
    return Labelled((0.8 * centres[targets] + size * generator.normal(size=(n, dim))) @ turn, targets)


@pytest.mark.parametrize("strengths", [(100.0,), (1e-3, 1e-1, 1e1, 100.0)])
def test_the_linear_probe_reaches_its_optimum(strengths: tuple[float, ...]) -> None:
    # L-BFGS with the default tolerance of scikit-learn stops early here: 13 of 1000 predictions are not optimal.
    train, test = clusters_of_low_rank(0, 150), clusters_of_low_rank(1, 1000)
    result = logistic_regression(train, train, test, 5, strengths)
    assert result.converged
    assert (
        result.chosen == 100.0
    )  # highest likelihood on train, and the last strength on the path from strong to weak regularisation
    train, test = standardise(train, test)
    exact = LogisticRegression(C=100.0, tol=1e-9, max_iter=100_000).fit(train.features, train.targets)
    expected = score(exact.predict(test.features), test.targets, 5)
    assert 0.9 < expected.accuracy < 0.99
    assert (result.score.confusion == expected.confusion).all()


@pytest.mark.parametrize("probe", PROBES)
def test_the_test_split_does_not_affect_the_chosen_parameter(probe: Callable[..., ProbeResult]) -> None:
    train, val, test = blobs(0, 90), blobs(1, 45), blobs(2, 60)
    clean = probe(train, val, test, 3)
    rolled = probe(train, val, Labelled(test.features, (test.targets + 1) % 3), 3)
    huge = probe(train, val, Labelled(test.features * 1e6, test.targets), 3)
    for poisoned in (rolled, huge):
        assert poisoned.chosen == clean.chosen
        assert poisoned.val_accuracies == clean.val_accuracies
    assert rolled.score.accuracy != clean.score.accuracy


@pytest.mark.parametrize("probe", PROBES)
def test_the_chosen_parameter_depends_on_the_validation_split(probe: Callable[..., ProbeResult]) -> None:
    # Some train labels are random: few neighbours and weak regularisation fit this noise.
    generator = np.random.default_rng(0)
    train, test = blobs(0, 120), blobs(2, 60)
    noisy = np.where(generator.random(120) < 0.35, generator.integers(0, 3, 120), train.targets)
    train = Labelled(train.features, noisy)
    honest = probe(train, blobs(1, 90), test, 3)
    fitted = probe(train, train, test, 3)
    assert honest.chosen != fitted.chosen


@pytest.mark.parametrize("probe", PROBES)
def test_constant_features_give_chance_accuracy(probe: Callable[..., ProbeResult]) -> None:
    def constant_features(n: int) -> Labelled:
        return Labelled(np.full((n, 4), 0.3, dtype=np.float32), np.arange(n) % 4)

    assert probe(
        constant_features(80), constant_features(40), constant_features(40), 4
    ).score.accuracy == pytest.approx(0.25)


def slow_knn(train: Labelled, queries: np.ndarray, k: int) -> list[int]:
    predictions = []
    for query in queries:
        cosines = [float(query @ x / np.linalg.norm(query) / np.linalg.norm(x)) for x in train.features]
        nearest = sorted(range(len(cosines)), key=lambda i: -cosines[i])[:k]
        votes = Counter(int(train.targets[i]) for i in nearest)
        similarity = {c: sum(cosines[i] for i in nearest if train.targets[i] == c) for c in votes}
        predictions.append(max(votes, key=lambda c: (votes[c], similarity[c])))
    return predictions


def test_knn_agrees_with_a_slow_loop() -> None:
    train, val, test = blobs(0, 40), blobs(1, 30), blobs(2, 50)
    result = nearest_neighbours(train, val, test, 3, neighbours=(1, 4, 9, 1000))
    train, val, test = standardise(train, val, test)
    expected = {float(k): float(np.mean(slow_knn(train, val.features, k) == val.targets)) for k in (1, 4, 9)}
    assert result.val_accuracies == expected  # k = 1000 exceeds the number of examples and is omitted
    predictions = slow_knn(train, test.features, int(result.chosen))
    assert result.score.accuracy == pytest.approx(np.mean(predictions == test.targets))


def test_ties_of_votes_are_resolved_by_similarity() -> None:
    # Train has zero mean, so standardising keeps directions; the query is nearest to class 1.
    train = Labelled(np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]), np.array([0, 1, 2, 2]))
    query = Labelled(np.array([[0.5, 0.6], [0.6, 0.5]]), np.array([1, 0]))
    assert nearest_neighbours(train, query, query, 3, neighbours=(2,)).score.accuracy == 1.0


@pytest.mark.parametrize("probe", PROBES)
def test_refit_trains_on_train_and_val_with_the_parameter_chosen_on_val(probe: Callable[..., ProbeResult]) -> None:
    train, val, test = blobs(0, 30), blobs(1, 45), blobs(2, 90)
    once, again = probe(train, val, test, 3), probe(train, val, test, 3, refit=True)
    assert (again.chosen, again.val_accuracies) == (once.chosen, once.val_accuracies)
    both = concatenate_splits(train, val)
    assert len(both.targets) == 75
    parameter = [again.chosen] if probe is logistic_regression else [int(again.chosen)]
    expected = probe(both, both, test, 3, parameter)
    assert (again.score.confusion == expected.score.confusion).all()
    assert (again.score.confusion != once.score.confusion).any()


def test_reduction_to_the_span_of_the_rows_keeps_the_predictions() -> None:
    train, test = blobs(0, 24, dim=40), blobs(2, 60, dim=40)
    train, test = standardise(train, test)
    small, seen = within_rows(train, test)
    assert small.features.shape == (24, 24)
    slow = LogisticRegression(C=0.1, max_iter=1000, tol=1e-8).fit(train.features, train.targets)
    fast = LogisticRegression(C=0.1, max_iter=1000, tol=1e-8).fit(small.features, train.targets)
    expected = slow.predict_proba(test.features)
    np.testing.assert_allclose(fast.predict_proba(seen.features), expected, atol=1e-4)
    assert within_rows(test, train)[0] is test


def _svm_predictions(x: np.ndarray, y: np.ndarray, test: np.ndarray, classes: int) -> np.ndarray:
    """Return predictions of a linear SVM by L-BFGS on its primal problem.

    The loss is 0.01 times the sum of squared hinge losses plus half the squared norm of weights and intercept.
    """
    windows = x.shape[1]
    examples = torch.from_numpy(x.reshape(-1, x.shape[2])).double()
    ones = torch.ones(len(examples), 1, dtype=torch.float64)
    examples = torch.cat([examples, ones], dim=1)
    signs = torch.from_numpy(np.where(np.repeat(y, windows)[:, None] == np.arange(classes), 1.0, -1.0))
    weights = torch.zeros(examples.shape[1], classes, dtype=torch.float64, requires_grad=True)
    steps = torch.optim.LBFGS([weights], max_iter=500, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        steps.zero_grad()
        hinges = (1 - signs * (examples @ weights)).clamp(min=0)
        value = 0.01 * (hinges**2).sum() + 0.5 * (weights**2).sum()
        value.backward()
        return value

    steps.step(loss)
    shown = np.concatenate([test, np.ones((*test.shape[:2], 1))], axis=2)
    return (shown @ weights.detach().numpy()).mean(axis=1).argmax(axis=1)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_svm_equals_a_solution_of_its_primal_problem(classes: int) -> None:
    random = np.random.default_rng(classes)
    targets = np.arange(80) % classes
    centres = random.normal(size=(classes, 6))
    features = (centres[targets][:, None] + random.normal(scale=2.5, size=(80, 3, 6))).astype(np.float32)
    rows = np.arange(80)
    folds = Folds([], [str(c) for c in range(classes)], targets)
    tested = linear_svm_fold(features, folds, Fold("test", rows[:30], rows[30:40], rows[40:]))
    predictions = _svm_predictions(features[:40], targets[:40], features[40:], classes)
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (targets[40:], predictions), 1)
    assert tested.score.confusion.tolist() == confusion.tolist()
    assert 1 / classes < tested.score.accuracy < 1
    assert tested.details == {"C": 0.01, "converged": True}


def test_metrics_are_means_over_folds(features: np.ndarray, folds: Folds) -> None:
    calls = []
    means = features.mean(axis=1)
    probes: dict[str, Callable[[Fold], FoldScore]] = {
        "linear_layer": lambda fold: linear_layer_fold(features, folds, fold, 400, seed=0),
        "logistic_regression": lambda fold: logistic_regression_fold(means, folds, fold),
        "nearest_neighbours": lambda fold: nearest_neighbours_fold(means, folds, fold),
    }
    results = {name: fold_metrics(folds, probe, lambda: calls.append(1)) for name, probe in probes.items()}
    assert len(calls) == 3 * 4
    for result in results.values():
        accuracies = [one["accuracy"] for one in result["folds"]]
        assert [one["fold"] for one in result["folds"]] == ["1", "2", "3", "4"]
        assert result["accuracy"] == np.mean(accuracies) > 0.5
        assert result["accuracy_std"] == np.std(accuracies, ddof=1) > 0
        assert np.sum(result["confusion"]) == 96
        assert result["interval"][0] < result["accuracy"] < result["interval"][1]
    parts = [Labelled(means[rows], folds.targets[rows]) for rows in (folds.folds[1].train, folds.folds[1].val)]
    test = Labelled(means[folds.folds[1].test], folds.targets[folds.folds[1].test])
    expected = logistic_regression(*parts, test, 3, refit=True)
    assert results["logistic_regression"]["folds"][1]["accuracy"] == expected.score.accuracy
    assert results["logistic_regression"]["folds"][1]["chosen"] == {"C": expected.chosen}


def test_a_probe_without_validation_recordings_raises_an_error(features: np.ndarray, folds: Folds) -> None:
    fold = folds.folds[0]
    bare = replace(folds, folds=[replace(fold, val=np.empty(0, dtype=np.int64))])
    with pytest.raises(EvaluationError, match="split 1: train has only one usable recording of each class"):
        logistic_regression_fold(features.mean(axis=1), bare, bare.folds[0])


def test_an_interval_is_reported_only_if_no_recording_is_tested_twice(features: np.ndarray, folds: Folds) -> None:
    means = features.mean(axis=1)
    assert "interval" in fold_metrics(folds, lambda fold: nearest_neighbours_fold(means, folds, fold))
    twice = replace(folds, folds=[folds.folds[0], folds.folds[0]])
    assert "interval" not in fold_metrics(twice, lambda fold: nearest_neighbours_fold(means, folds, fold))
