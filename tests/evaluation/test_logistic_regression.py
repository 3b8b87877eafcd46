from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Reference

from avgdt.evaluation.logistic_regression import TOLERANCE, fit_path

STRENGTHS = (1e-4, 1e-2, 1.0, 100.0)


def correlated(seed: int, n: int, classes: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features in which a few directions account for most of the variance, and classes overlap."""
    rng = np.random.default_rng(0)
    axes, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    size = np.arange(1.0, dim + 1) ** -0.8
    centres = rng.normal(size=(classes, dim)) * size
    rng, targets = np.random.default_rng(seed), np.arange(n) % classes
    return (0.5 * centres[targets] + size * rng.normal(size=(n, dim))) @ axes, targets


@pytest.mark.parametrize(("n", "classes", "dim"), [(120, 2, 10), (200, 7, 30), (150, 6, 150)])
def test_the_optimum_of_each_strength_equals_that_of_scikit_learn(n: int, classes: int, dim: int) -> None:
    features, targets = correlated(1, n, classes, dim)
    new, _ = correlated(2, 500, classes, dim)
    fits = fit_path(features, targets, classes, STRENGTHS[::-1])
    for strength in STRENGTHS:
        reference = Reference(C=strength, solver="newton-cg", tol=1e-9, max_iter=1000).fit(features, targets)
        expected = reference.predict_proba(new)
        assert fits[strength].converged
        np.testing.assert_allclose(fits[strength].probabilities(new), expected, atol=2e-3)
        surest = np.sort(expected, axis=1)
        clear = surest[:, -1] - surest[:, -2] > 4e-3
        assert (fits[strength].predict(new) == expected.argmax(axis=1))[clear].all()


def test_the_gradient_vanishes_at_the_optimum() -> None:
    features, targets = correlated(1, 200, 7, 30)
    fit = fit_path(features, targets, 7, [1.0])[1.0]
    errors = fit.probabilities(features) - np.eye(7)[targets]
    # The solver works in principal-axis coordinates; the rotation preserves the gradient norm, so the same tolerance
    # applies here.
    gradient = features.T @ errors / 200 + fit.weights / 200
    assert np.linalg.norm(gradient) <= TOLERANCE * np.sqrt(gradient.size)
    assert abs(errors.mean(axis=0)).max() <= TOLERANCE


def test_constant_features_have_zero_weight() -> None:
    features, targets = correlated(1, 60, 3, 4)
    fit = fit_path(np.concatenate([features, np.zeros((60, 2))], axis=1), targets, 3, [1.0])[1.0]
    alone = fit_path(features, targets, 3, [1.0])[1.0]
    np.testing.assert_allclose(fit.weights[4:], 0, atol=1e-12)
    np.testing.assert_allclose(fit.weights[:4], alone.weights, atol=1e-4)


def test_constant_features_predict_the_class_frequencies() -> None:
    fit = fit_path(np.zeros((10, 2)), np.array([0] * 5 + [1] * 3 + [2] * 2), 3, [1.0])[1.0]
    np.testing.assert_allclose(fit.probabilities(np.ones((1, 2))), [[0.5, 0.3, 0.2]], atol=1e-4)


def test_the_optimum_does_not_depend_on_previous_strengths() -> None:
    features, targets = correlated(1, 200, 7, 30)
    alone, by_path = (fit_path(features, targets, 7, [10.0], path) for path in ((), (1e-3, 1e-1, 1.0)))
    assert list(by_path) == [10.0]
    np.testing.assert_allclose(by_path[10.0].probabilities(features), alone[10.0].probabilities(features), atol=1e-3)
