"""Tests of mixing recordings within a batch: weights, partners and probability."""

from __future__ import annotations

import numpy as np
import torch

from avgdt.composition.audio_augmentations import Mix
from avgdt.transforms.audio_augmentation import augment_waveform
from avgdt.transforms.rng import view_generators


def mixed(waveform: torch.Tensor, mix: Mix, seed: int = 0, epoch: int = 0) -> torch.Tensor:
    return augment_waveform(waveform, mix, view_generators(seed, epoch, range(len(waveform)), 0))


def weights(batch: int, mix: Mix, epoch: int = 0) -> np.ndarray:
    """Return the weight of each recording in each mixture, (batch, batch), measured with unit vectors as waveforms."""
    return mixed(torch.eye(batch), mix, epoch=epoch).numpy()


def test_values_are_weighted_sums_of_two_recordings() -> None:
    before = torch.from_numpy(np.random.default_rng(0).normal(size=(7, 30)).astype(np.float32))
    after = mixed(before, Mix(0.1, 0.6, 0.7))
    mixed_weights = weights(7, Mix(0.1, 0.6, 0.7))
    for row in range(7):
        others = [other for other in range(7) if other != row and mixed_weights[row, other] > 0]
        assert len(others) <= 1
        weight = mixed_weights[row, others[0]] if others else 0.0
        expected = (1 - weight) * before[row] + weight * before[others[0] if others else row]
        torch.testing.assert_close(after[row], expected)


def test_partners_are_uniform_over_the_other_recordings() -> None:
    counts = np.zeros((5, 5))
    for epoch in range(400):
        mixed_weights = weights(5, Mix(0.2, 0.4, 1.0), epoch)
        own = np.diag(mixed_weights)
        assert (own >= 0.6 - 1e-6).all()
        assert (own <= 0.8 + 1e-6).all()
        np.testing.assert_allclose(mixed_weights.sum(1), 1, rtol=1e-6)
        counts += (mixed_weights > 0) & ~np.eye(5, dtype=bool)
    assert (counts.sum(1) == 400).all()
    others = counts[~np.eye(5, dtype=bool)]
    assert others.min() > 60  # 100 expected, standard deviation 8.7
    assert others.max() < 140


def test_weights_are_uniform_and_mixing_has_the_given_probability() -> None:
    own = np.diag(weights(1000, Mix(0.2, 0.6, 0.3)))
    changed = own[own < 1]
    assert 240 < len(changed) < 360  # 300 expected, standard deviation 14.5
    assert 0.4 - 1e-6 <= changed.min() < 0.41
    assert 0.79 < changed.max() <= 0.8 + 1e-6
    assert abs(changed.mean() - 0.6) < 0.03


def test_recordings_are_mixed_with_unmixed_recordings() -> None:
    # If two recordings are mixed with each other, each mixture contains the original of the other recording.
    mixed_weights = weights(2, Mix(0.25, 0.25, 1.0))
    np.testing.assert_allclose(mixed_weights, [[0.75, 0.25], [0.25, 0.75]])


def test_a_single_recording_and_zero_weight_or_probability_change_nothing() -> None:
    before = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 30)).astype(np.float32))
    assert torch.equal(mixed(before[:1], Mix(probability=1.0)), before[:1])
    assert torch.equal(mixed(before, Mix(probability=0.0)), before)
    assert torch.equal(mixed(before, Mix(0.0, 0.0, 1.0)), before)


def test_mixing_depends_on_the_seed() -> None:
    before = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 30)).astype(np.float32))
    assert torch.equal(mixed(before, Mix()), mixed(before, Mix()))
    assert not torch.equal(mixed(before, Mix()), mixed(before, Mix(), seed=1))
