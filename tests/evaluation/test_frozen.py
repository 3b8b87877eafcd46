from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avgdt.evaluation import frozen
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import Folds, make_folds
from avgdt.evaluation.frozen import frozen_figures, linear_layer, logistic_regression, nearest_neighbours
from avgdt.evaluation.over_folds import over_folds
from avgdt.evaluation.probes import Labelled, linear_probe
from avgdt.evaluation.segments import Segment

NAMES = ["1", "2", "3", "4"]


@pytest.fixture
def folds() -> Folds:
    return make_folds([Segment(i, NAMES[i % 4], "abc"[i // 4 % 3]) for i in range(96)], NAMES)


@pytest.fixture
def features(folds: Folds) -> np.ndarray:
    """(96, 5, 768): classes that are mostly told apart."""
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(96, 1, 12)) + 0.5 * generator.normal(size=(96, 5, 12))
    return np.tile(2 * np.eye(3, 12)[folds.targets][:, None] + noise, 64).astype(np.float32)


def test_every_figure_is_the_mean_over_folds(features: np.ndarray, folds: Folds) -> None:
    calls = []
    figures = frozen_figures(features, folds, 400, seed=0, after=lambda: calls.append(1))
    assert len(calls) == 3 * 4
    assert list(figures) == ["linear_layer", "logistic_regression", "nearest_neighbours"]
    for figure in figures.values():
        accuracies = [one["accuracy"] for one in figure["folds"]]
        assert [one["fold"] for one in figure["folds"]] == NAMES
        assert figure["accuracy"] == np.mean(accuracies) > 0.5
        assert figure["accuracy_std"] == np.std(accuracies, ddof=1) > 0
        assert np.sum(figure["confusion"]) == 96
        assert figure["interval"][0] < figure["accuracy"] < figure["interval"][1]
    means = features.mean(axis=1)
    parts = [Labelled(means[rows], folds.targets[rows]) for rows in (folds.turns[1].train, folds.turns[1].val)]
    test = Labelled(means[folds.turns[1].test], folds.targets[folds.turns[1].test])
    expected = linear_probe(*parts, test, 3, refit=True)
    assert figures["logistic_regression"]["folds"][1]["accuracy"] == expected.score.accuracy
    assert figures["logistic_regression"]["folds"][1]["chosen"] == {"C": expected.chosen}


def test_the_test_fold_chooses_nothing(features: np.ndarray, folds: Folds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, "EPOCHS", (1, 50, 200))
    fold = folds.turns[0]
    poisoned = features.copy()
    poisoned[fold.test] = 1e3
    wrong = folds.targets.copy()
    wrong[fold.test] = (wrong[fold.test] + 1) % 3
    honest = linear_layer(features, folds, fold, 0, seed=0)
    for other in (
        linear_layer(poisoned, folds, fold, 0, seed=0),
        linear_layer(features, replace(folds, targets=wrong), fold, 0, seed=0),
    ):
        assert other.details == honest.details
        assert other.score.accuracy != honest.score.accuracy
    tried = {one["epochs"]: one["val_accuracy"] for one in honest.details["tried"]}
    assert list(tried) == [1, 50, 200]
    assert tried[honest.details["chosen"]["epochs"]] == max(tried.values())


def test_what_was_chosen_is_trained_on_all_training_folds(features: np.ndarray, folds: Folds) -> None:
    fold = folds.turns[0]
    fixed = linear_layer(features, folds, fold, 100, seed=0)
    assert fixed.details == {"chosen": {"epochs": 100}, "tried": []}
    # With the choosing fold's labels shuffled, a layer that learnt from it must change.
    shuffled = folds.targets.copy()
    shuffled[fold.val] = np.roll(shuffled[fold.val], 5)
    spoilt = linear_layer(features, replace(folds, targets=shuffled), fold, 100, seed=0)
    assert (spoilt.score.confusion != fixed.score.confusion).any()


def test_a_probe_without_anything_to_choose_on_is_told(features: np.ndarray, folds: Folds) -> None:
    turn = folds.turns[0]
    bare = replace(folds, turns=[replace(turn, val=np.empty(0, dtype=np.int64))])
    with pytest.raises(EvaluationError, match="split 1: train has one usable recording of each class"):
        logistic_regression(features.mean(axis=1), bare, bare.turns[0])


def test_an_interval_is_told_where_nothing_is_tested_twice(features: np.ndarray, folds: Folds) -> None:
    means = features.mean(axis=1)
    assert "interval" in over_folds(folds, lambda fold: nearest_neighbours(means, folds, fold))
    twice = replace(folds, turns=[folds.turns[0], folds.turns[0]])
    assert "interval" not in over_folds(twice, lambda fold: nearest_neighbours(means, folds, fold))
