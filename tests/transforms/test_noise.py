"""Tests of white noise with the requested signal-to-noise ratio."""

from __future__ import annotations

import numpy as np
import torch

from avgdt.composition.audio_augmentations import Noise
from avgdt.transforms.audio_augmentation import augment_waveform
from avgdt.transforms.rng import view_generators


def tones(batch: int, samples: int = 4000) -> torch.Tensor:
    """Return tones that differ widely in loudness."""
    random = np.random.default_rng(0)
    tones = np.sin(np.arange(samples) * random.uniform(0.01, 1, (batch, 1))) * 10 ** random.uniform(0, 4, (batch, 1))
    return torch.from_numpy(tones.astype(np.float32))


def noisy(waveform: torch.Tensor, noise: Noise, seed: int = 0) -> torch.Tensor:
    return augment_waveform(waveform, noise, view_generators(seed, 0, range(len(waveform)), 0))


def test_the_signal_to_noise_ratio_is_drawn_within_its_bounds() -> None:
    before = tones(200)
    after = noisy(before, Noise(-5.0, 25.0, 1.0))
    added = (after.double() - before.double()).numpy()
    ratios = 10 * np.log10(np.square(before.double().numpy()).mean(1) / np.square(added).mean(1))
    expected = []
    for g in view_generators(0, 0, range(200), 0):
        g.random()
        expected.append(g.uniform(-5, 25))
    np.testing.assert_allclose(ratios, expected, atol=1e-3)
    assert -5 <= ratios.min() < -4
    assert 24 < ratios.max() < 25.001


def test_the_noise_is_white_and_independent_between_clips() -> None:
    before = torch.ones(50, 4096)
    added = (noisy(before, Noise(0.0, 0.0, 1.0)) - before).numpy()
    power = np.square(np.abs(np.fft.rfft(added))).mean(0)[1:-1].reshape(-1, 89).mean(1)  # 23 frequency bands
    assert power.max() / power.min() < 1.15
    correlations = np.corrcoef(added) - np.eye(50)
    assert np.abs(correlations).max() < 0.1
    assert np.abs((added[:, 1:] * added[:, :-1]).mean(1)).max() < 0.1


def test_noise_is_added_with_the_given_probability() -> None:
    before = tones(400, 50)
    same = (noisy(before, Noise(probability=0.25)) == before).all(1).sum()
    assert 270 < same < 330  # 300 expected, standard deviation 8.7
    assert torch.equal(noisy(before, Noise(probability=0.0)), before)


def test_silence_stays_silent() -> None:
    assert torch.equal(noisy(torch.zeros(3, 100), Noise(0.0, 0.0, 1.0)), torch.zeros(3, 100))


def test_noise_depends_on_the_seed_and_the_item() -> None:
    before = tones(6)
    after = noisy(before, Noise())
    assert torch.equal(noisy(before, Noise()), after)
    assert not torch.equal(noisy(before, Noise(), seed=1), after)
    order = [5, 1]
    separate = augment_waveform(before[order], Noise(), view_generators(0, 0, order, 0))
    assert torch.equal(separate, after[order])
