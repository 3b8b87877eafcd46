from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avgdt.evaluation.retrieval import chance, ranks, retrieve


def slow_rank(queries: np.ndarray, keys: np.ndarray, i: int) -> int:
    def cosine(j: int) -> float:
        return float(queries[i] @ keys[j] / np.linalg.norm(queries[i]) / np.linalg.norm(keys[j]))

    return 1 + sum(cosine(j) >= cosine(i) - 1e-7 for j in range(len(keys)) if j != i)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(0, 1000), st.integers(1, 5))
def test_agrees_with_a_slow_loop_with_ties(n: int, seed: int, chunk: int) -> None:
    generator = np.random.default_rng(seed)
    # Vectors of few small whole numbers: many exact ties and parallel vectors of different lengths.
    queries, keys = (generator.integers(1, 4, size=(n, 2)).astype(np.float32) for _ in range(2))
    expected = [slow_rank(queries.astype(float), keys.astype(float), i) for i in range(n)]
    assert ranks(queries, keys, chunk=chunk).tolist() == expected


def test_figures_by_hand() -> None:
    # One query direction per row; the own key is made the 1st, 2nd, 6th and 11th best of 20.
    n, wanted = 20, [1, 2, 6, 11]
    keys = np.stack([np.cos(np.linspace(0, 1, n)), np.sin(np.linspace(0, 1, n))], axis=1)  # worse and worse for (1, 0)
    order = [w - 1 for w in wanted] + [j for j in range(n) if j + 1 not in wanted]
    found = ranks(np.tile([[1.0, 0.0]], (n, 1)), keys[order])
    assert found[:4].tolist() == wanted
    figures = retrieve(np.tile([[1.0, 0.0]], (n, 1)), keys[order])
    # Every key has another place, so the ranks are 1 to 20.
    assert figures == {"r1": 1 / n, "r5": 5 / n, "r10": 10 / n, "median_rank": 10.5, "candidates": n}


def test_equal_embeddings_give_no_hit() -> None:
    generator = np.random.default_rng(0)
    same = np.tile(generator.normal(size=(1, 129)).astype(np.float32), (37, 1))
    assert ranks(same, same, chunk=5).tolist() == [37] * 37
    nearly = same + 1e-9 * generator.normal(size=same.shape)
    assert retrieve(nearly, nearly)["r10"] == 0.0


def test_zero_and_not_a_number_never_win() -> None:
    zero = np.zeros((4, 3), dtype=np.float32)
    assert ranks(zero, zero).tolist() == [4] * 4
    queries = np.eye(4, dtype=np.float32)
    queries[2] = np.nan
    assert ranks(queries, np.eye(4)).tolist() == [1, 1, 4, 1]


def test_length_does_not_matter() -> None:
    generator = np.random.default_rng(0)
    queries, keys = generator.normal(size=(2, 30, 8))
    stretched = keys * generator.uniform(0.1, 10, size=(30, 1))
    assert ranks(queries, stretched).tolist() == ranks(queries, keys).tolist()


def test_chance_is_what_random_embeddings_give() -> None:
    generator = np.random.default_rng(0)
    runs = [retrieve(*generator.normal(size=(2, 40, 6))) for _ in range(200)]
    for name, expected in chance(40).items():
        mean = np.mean([run[name] for run in runs])
        assert mean == pytest.approx(expected, rel=0.1), name
    assert chance(4)["r10"] == 1.0
