from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.retrieval import (
    chance,
    check_gallery,
    gallery,
    ranks,
    reidentify,
    retrieval_metrics,
    same_class_chance,
    same_class_metrics,
    same_class_recall,
)
from avgdt.objective.nce import TIE
from tests.evaluation.rows import row


def slow_rank(queries: np.ndarray, keys: np.ndarray, i: int) -> int:
    def cosine(j: int) -> float:
        return float(queries[i] @ keys[j] / np.linalg.norm(queries[i]) / np.linalg.norm(keys[j]))

    return 1 + sum(cosine(j) >= cosine(i) - TIE["float64"] for j in range(len(keys)) if j != i)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(0, 1000), st.integers(1, 5))
def test_ranks_agree_with_a_slow_loop_also_with_ties(n: int, seed: int, chunk: int) -> None:
    generator = np.random.default_rng(seed)
    # Vectors of small integers have many exact ties and many parallel vectors of different lengths.
    queries, keys = (generator.integers(1, 4, size=(n, 2)).astype(np.float32) for _ in range(2))
    expected = [slow_rank(queries.astype(float), keys.astype(float), i) for i in range(n)]
    assert ranks(queries, keys, chunk=chunk).tolist() == expected


def test_metrics_equal_values_computed_by_hand() -> None:
    # All queries have one direction; the matching keys have the ranks 1, 2, 6 and 11 of 20.
    n, expected = 20, [1, 2, 6, 11]
    keys = np.stack(
        [np.cos(np.linspace(0, 1, n)), np.sin(np.linspace(0, 1, n))], axis=1
    )  # decreasing similarity to (1, 0)
    order = [w - 1 for w in expected] + [j for j in range(n) if j + 1 not in expected]
    computed = ranks(np.tile([[1.0, 0.0]], (n, 1)), keys[order])
    assert computed[:4].tolist() == expected
    metrics = retrieval_metrics(np.tile([[1.0, 0.0]], (n, 1)), keys[order])
    # All keys have different ranks, so the ranks are 1 to 20.
    assert metrics == {"r1": 1 / n, "r5": 5 / n, "r10": 10 / n, "median_rank": 10.5, "gallery": n}


def test_identical_embeddings_have_a_recall_of_zero() -> None:
    generator = np.random.default_rng(0)
    same = np.tile(generator.normal(size=(1, 129)).astype(np.float32), (37, 1))
    assert ranks(same, same, chunk=5).tolist() == [37] * 37
    nearly = same + 1e-9 * generator.normal(size=same.shape)
    assert retrieval_metrics(nearly, nearly)["r10"] == 0.0


def test_zero_and_nan_embeddings_get_the_worst_rank() -> None:
    zero = np.zeros((4, 3), dtype=np.float32)
    assert ranks(zero, zero).tolist() == [4] * 4
    queries = np.eye(4, dtype=np.float32)
    queries[2] = np.nan
    assert ranks(queries, np.eye(4)).tolist() == [1, 1, 4, 1]


def test_ranks_do_not_depend_on_the_length_of_embeddings() -> None:
    generator = np.random.default_rng(0)
    queries, keys = generator.normal(size=(2, 30, 8))
    stretched = keys * generator.uniform(0.1, 10, size=(30, 1))
    assert ranks(queries, stretched).tolist() == ranks(queries, keys).tolist()


def test_chance_levels_equal_the_means_of_random_embeddings() -> None:
    generator = np.random.default_rng(0)
    runs = [retrieval_metrics(*generator.normal(size=(2, 40, 6))) for _ in range(200)]
    for name, expected in chance(40).items():
        mean = np.mean([run[name] for run in runs])
        assert mean == pytest.approx(expected, rel=0.1), name
    assert chance(4)["r10"] == 1.0


def test_duplicate_segments_are_one_gallery_entry() -> None:
    rows = [
        row("a.mp4", split="test", word="x", start="0", end="1"),
        row("a.mp4", split="test", word="y", start="0", end="1"),
        row("a.mp4", split="test", word="z", start="1", end="2"),
        row("b.mp4", split="test", word="", start="0", end="1"),
        row("c.mp4", split="train", word="x", start="0", end="1"),
    ]
    kept, duplicates = gallery(rows, "", "test")
    assert [s.entry for s in kept] == [0, 2, 3]
    assert duplicates == 1
    assert [s.entry for s in gallery(rows, "word", "test")[0]] == [0, 2]
    assert [s.entry for s in gallery(rows, "word", "all")[0]] == [0, 2, 4]


def test_a_gallery_of_one_recording_raises_an_error() -> None:
    check_gallery(2)
    with pytest.raises(EvaluationError, match="only one recording is usable"):
        check_gallery(1)


def test_both_directions_of_reidentification_are_pooled() -> None:
    first = np.eye(4)
    second = np.eye(4)[[1, 0, 2, 3]]  # recordings 0 and 1 are interchanged
    assert reidentify(first, second, first, first)["accuracy"] == (2 + 4) / 8
    assert reidentify(first, first, second, first)["accuracy"] == (4 + 2) / 8
    assert reidentify(first, second, second, first)["accuracy"] == 0.5
    # The interchanged queries have similarity 0 to their own key and to two others, and 1 to the wrong key: rank 4.
    assert reidentify(first, second, second, first)["median_rank"] == (1 + 4) / 2


def test_identical_embeddings_are_not_reidentified() -> None:
    same = np.ones((5, 3))
    metrics = reidentify(same, same, same, same)
    assert metrics == {"accuracy": 0.0, "r5": 1.0, "median_rank": 5.0, "gallery": 5}


def _fold(rows: int, tested: int, seed: int, name: str = "1") -> Fold:
    order = np.random.default_rng(seed).permutation(rows)
    return Fold(name, order[tested + 3 :], order[tested : tested + 3], order[:tested])


def _slow_recall(features: np.ndarray, targets: np.ndarray, fold: Fold, k: int) -> float:
    found = 0
    for query in fold.test:
        cosines = [
            features[query] @ features[key] / np.linalg.norm(features[query]) / np.linalg.norm(features[key])
            for key in fold.train_val
        ]
        nearest = sorted(range(len(cosines)), key=lambda place: -cosines[place])[:k]
        found += any(targets[fold.train_val[place]] == targets[query] for place in nearest)
    return found / len(fold.test)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("chunk", [7, 1000])
def test_recalls_of_folds_equal_those_of_a_slow_loop(seed: int, chunk: int) -> None:
    generator = np.random.default_rng(seed)
    features, targets = generator.normal(size=(60, 5)), generator.integers(0, 8, 60)
    fold = _fold(60, 20, seed)
    expected = [_slow_recall(features, targets, fold, k) for k in (1, 5, 20)]
    assert same_class_recall(features, targets, fold, chunk) == pytest.approx(expected)


def test_constant_features_have_a_recall_of_zero() -> None:
    targets = np.arange(60) % 6
    assert same_class_recall(np.ones((60, 4)), targets, _fold(60, 20, 0)) == [0.0, 0.0, 0.0]


def test_a_class_missing_from_train_is_not_predicted() -> None:
    targets = np.zeros(60, dtype=np.int64)
    fold = _fold(60, 20, 0)
    targets[fold.test] = 1
    assert same_class_recall(np.random.default_rng(0).normal(size=(60, 4)), targets, fold) == [0.0, 0.0, 0.0]


def test_metrics_have_a_mean_and_a_standard_deviation_over_splits() -> None:
    generator = np.random.default_rng(0)
    features, targets = generator.normal(size=(60, 5)), generator.integers(0, 8, 60)
    turns = [_fold(60, 20, 0), _fold(60, 20, 1, "2")]
    metrics = same_class_metrics(features, Folds(turns, ["x"] * 8, targets))
    each = np.array([same_class_recall(features, targets, fold) for fold in turns])
    assert [metrics[f"r{k}"] for k in (1, 5, 20)] == pytest.approx(each.mean(axis=0))
    assert [metrics[f"r{k}_std"] for k in (1, 5, 20)] == pytest.approx(each.std(axis=0, ddof=1))
    assert [fold["fold"] for fold in metrics["folds"]] == ["1", "2"]
    alone = same_class_metrics(features, Folds(turns[:1], ["x"] * 8, targets))
    assert set(alone) == {"r1", "r5", "r20", "folds"}


def test_chance_levels_equal_the_means_of_random_features() -> None:
    generator = np.random.default_rng(1)
    targets = generator.integers(0, 8, 60)
    folds = Folds([_fold(60, 20, 0)], ["x"] * 8, targets)
    drawn = [same_class_recall(generator.normal(size=(60, 12)), targets, folds.folds[0]) for _ in range(400)]
    expected = same_class_chance(folds)
    assert [expected[f"r{k}"] for k in (1, 5, 20)] == pytest.approx(np.mean(drawn, axis=0), abs=0.02)
