from __future__ import annotations

import numpy as np
import pytest

from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.same_class import recalls, same_class_chance, same_class_figures


def _fold(rows: int, tested: int, seed: int, name: str = "1") -> Fold:
    order = np.random.default_rng(seed).permutation(rows)
    return Fold(name, order[tested + 3 :], order[tested : tested + 3], order[:tested])


def _slow(features: np.ndarray, targets: np.ndarray, fold: Fold, k: int) -> float:
    found = 0
    for query in fold.test:
        cosines = [
            features[query] @ features[key] / np.linalg.norm(features[query]) / np.linalg.norm(features[key])
            for key in fold.taught
        ]
        nearest = sorted(range(len(cosines)), key=lambda place: -cosines[place])[:k]
        found += any(targets[fold.taught[place]] == targets[query] for place in nearest)
    return found / len(fold.test)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("chunk", [7, 1000])
def test_recalls_are_the_slow_ones(seed: int, chunk: int) -> None:
    generator = np.random.default_rng(seed)
    features, targets = generator.normal(size=(60, 5)), generator.integers(0, 8, 60)
    fold = _fold(60, 20, seed)
    expected = [_slow(features, targets, fold, k) for k in (1, 5, 20)]
    assert recalls(features, targets, fold, chunk) == pytest.approx(expected)


def test_features_that_tell_nothing_find_nothing() -> None:
    targets = np.arange(60) % 6
    assert recalls(np.ones((60, 4)), targets, _fold(60, 20, 0)) == [0.0, 0.0, 0.0]


def test_a_class_that_is_not_taught_is_not_found() -> None:
    targets = np.zeros(60, dtype=np.int64)
    fold = _fold(60, 20, 0)
    targets[fold.test] = 1
    assert recalls(np.random.default_rng(0).normal(size=(60, 4)), targets, fold) == [0.0, 0.0, 0.0]


def test_mean_and_spread_over_splits() -> None:
    generator = np.random.default_rng(0)
    features, targets = generator.normal(size=(60, 5)), generator.integers(0, 8, 60)
    turns = [_fold(60, 20, 0), _fold(60, 20, 1, "2")]
    told = same_class_figures(features, Folds(turns, ["x"] * 8, targets))
    each = np.array([recalls(features, targets, fold) for fold in turns])
    assert [told[f"r{k}"] for k in (1, 5, 20)] == pytest.approx(each.mean(axis=0))
    assert [told[f"r{k}_std"] for k in (1, 5, 20)] == pytest.approx(each.std(axis=0, ddof=1))
    assert [fold["fold"] for fold in told["folds"]] == ["1", "2"]
    alone = same_class_figures(features, Folds(turns[:1], ["x"] * 8, targets))
    assert set(alone) == {"r1", "r5", "r20", "folds"}


def test_chance_is_what_random_features_give() -> None:
    generator = np.random.default_rng(1)
    targets = generator.integers(0, 8, 60)
    folds = Folds([_fold(60, 20, 0)], ["x"] * 8, targets)
    drawn = [recalls(generator.normal(size=(60, 12)), targets, folds.turns[0]) for _ in range(400)]
    expected = same_class_chance(folds)
    assert [expected[f"r{k}"] for k in (1, 5, 20)] == pytest.approx(np.mean(drawn, axis=0), abs=0.02)
