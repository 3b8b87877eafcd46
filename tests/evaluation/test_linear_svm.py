from __future__ import annotations

import numpy as np
import pytest
import torch

from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.linear_svm import linear_svm


def _guesses(x: np.ndarray, y: np.ndarray, test: np.ndarray, classes: int) -> np.ndarray:
    """An oracle: 0.01 times the squared hinges plus half the squared weights and intercept, by L-BFGS."""
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
def test_as_the_primal_problem_says(classes: int) -> None:
    random = np.random.default_rng(classes)
    targets = np.arange(80) % classes
    centres = random.normal(size=(classes, 6))
    features = (centres[targets][:, None] + random.normal(scale=2.5, size=(80, 3, 6))).astype(np.float32)
    rows = np.arange(80)
    folds = Folds([], [str(c) for c in range(classes)], targets)
    tested = linear_svm(features, folds, Fold("test", rows[:30], rows[30:40], rows[40:]))
    guesses = _guesses(features[:40], targets[:40], features[40:], classes)
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (targets[40:], guesses), 1)
    assert tested.score.confusion.tolist() == confusion.tolist()
    assert 1 / classes < tested.score.accuracy < 1
    assert tested.details == {"C": 0.01, "converged": True}
