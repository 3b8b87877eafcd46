"""Tests of the diagnostic metrics: closed forms, and a synthetic batch-norm leak."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from avgdt.evaluation.diagnosis import alignment, batch_norm_share, cosine, effective_rank, geometry, uniformity


def points(n: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, dim))


def test_alignment_is_the_mean_squared_distance_of_normalised_vectors() -> None:
    x = np.array([[2.0, 0.0], [0.0, 3.0]])
    y = np.array([[0.0, 1.0], [0.0, 7.0]])
    assert alignment(x, y) == pytest.approx(1.0)  # one orthogonal pair (squared distance 2), one equal pair (0)
    assert alignment(x, -x) == pytest.approx(4.0)
    assert cosine(x, y) == pytest.approx(1 - alignment(x, y) / 2)


def test_uniformity_is_zero_for_equal_points_and_minus_eight_for_opposite_points() -> None:
    assert uniformity(np.ones((5, 3))) == pytest.approx(0.0)
    assert uniformity(np.array([[1.0, 0.0], [-1.0, 0.0]])) == pytest.approx(-8.0)
    uniform = uniformity(points(500, 128))
    assert uniform == pytest.approx(
        -4.0 + 2 * 4 / 128, abs=0.1
    )  # the expectation of exp(4 s), where the cosine similarity s has variance 1 / 128
    assert uniformity(points(500, 128) + 1.0) > uniform


def test_batch_norm_share_is_zero_if_keys_depend_on_the_recording_only() -> None:
    keys = points(24, 16)
    assert batch_norm_share(keys, keys, keys) == pytest.approx(0.0)


def test_batch_norm_share_is_one_if_keys_depend_on_the_batch_only() -> None:
    """Queries and keys consist only of statistics of their batch of 6 recordings."""
    same = np.repeat(points(4, 16), 6, axis=0)
    other = points(24, 16, seed=1)
    fraction = batch_norm_share(same, same, other)
    assert fraction is not None
    assert fraction == pytest.approx(1.0, abs=0.35)


def test_batch_norm_share_is_undefined_for_unrelated_embeddings() -> None:
    assert batch_norm_share(points(200, 512), points(200, 512, 1), points(200, 512, 2)) is None


def test_batch_norm_share_grows_with_the_influence_of_the_batch() -> None:
    own, batch, elsewhere = points(24, 64), np.repeat(points(4, 64, 1), 6, axis=0), points(24, 64, 2)
    fractions = [batch_norm_share(own + w * batch, own + w * batch, own + w * elsewhere) for w in (0.0, 0.5, 1.0, 2.0)]
    known = [fraction for fraction in fractions if fraction is not None]
    assert len(known) == 4
    assert known == sorted(known)
    assert known[0] == pytest.approx(0.0)
    assert known[-1] > 0.6


def test_unit_vectors_of_numpy_and_torch_agree() -> None:
    x, y = torch.randn(9, 5), torch.randn(9, 5)
    expected = (F.normalize(x) - F.normalize(y)).square().sum(1).mean()
    assert alignment(x.numpy(), y.numpy()) == pytest.approx(float(expected), rel=1e-5)


def test_effective_rank_is_the_number_of_equal_singular_values() -> None:
    assert effective_rank(np.eye(7)) == pytest.approx(7.0)
    assert effective_rank(3 * np.linalg.qr(points(9, 5))[0]) == pytest.approx(5.0)
    assert effective_rank(np.outer(np.arange(1.0, 9.0), points(1, 4)[0])) == pytest.approx(1.0)
    assert effective_rank(np.zeros((4, 3))) == 0.0


def test_effective_rank_is_the_exponential_of_the_entropy_and_ignores_scale_and_rotation() -> None:
    values = np.diag([0.5, 0.25, 0.25])
    entropy = 0.5 * np.log(2) + 0.5 * np.log(4)
    rotation = np.linalg.qr(points(3, 3))[0]
    assert effective_rank(8 * values @ rotation) == pytest.approx(float(np.exp(entropy)))


def test_geometry_measures_each_modality() -> None:
    measured = geometry({"video": np.eye(4, 6), "audio": np.ones((4, 6))})
    assert measured["effective_rank_video"] == pytest.approx(4.0)
    assert measured["effective_rank_audio"] == pytest.approx(1.0)
    assert measured["uniformity_audio"] == pytest.approx(0.0)
