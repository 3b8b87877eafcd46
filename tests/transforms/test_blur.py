"""Tests of Blur against a slow sum over a mirrored image, and of the values that it preserves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from avgdt.composition.video_augmentations import Blur
from avgdt.transforms.rng import view_generators
from avgdt.transforms.video_augmentation import augment_video, blur, gaussian_weights


def noise(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def slow_blur(frame: np.ndarray, sigma: float) -> np.ndarray:
    """Return the Gaussian-weighted mean of pixels within four standard deviations, mirrored at the image borders."""
    reach = int(4 * sigma)
    wide = np.pad(frame.astype(float), reach, mode="symmetric")
    window = [np.exp(-0.5 * (d / sigma) ** 2) for d in range(-reach, reach + 1)]
    total = sum(window) ** 2
    out = np.zeros(frame.shape)
    for y in range(frame.shape[0]):
        for x in range(frame.shape[1]):
            for dy, wy in enumerate(window):
                for dx, wx in enumerate(window):
                    out[y, x] += wy * wx * wide[y + dy, x + dx] / total
    return out


def test_values_equal_those_of_a_slow_sum() -> None:
    video, step = noise(5, 2, 2, 7, 9), Blur(0.3, 2.5, 1.0)
    after = augment_video(video, step, view_generators(0, 0, range(5), 0))
    for clip, made, g in zip(video, after, view_generators(0, 0, range(5), 0), strict=True):
        g.random()
        sigma = g.uniform(0.3, 2.5)
        for channel in range(2):
            for t in range(2):
                np.testing.assert_allclose(made[channel, t], slow_blur(clip[channel, t].numpy(), sigma), atol=1e-3)


def test_the_mean_of_a_frame_and_constant_frames_are_preserved() -> None:
    video = noise(20, 3, 2, 16, 11)
    after = blur(video, Blur(0.1, 6.0, 1.0), view_generators(0, 0, range(20), 0))
    torch.testing.assert_close(after.mean((3, 4)), video.float().mean((3, 4)), rtol=1e-4, atol=0)
    even = torch.full((3, 1, 2, 8, 8), 77.0)
    torch.testing.assert_close(blur(even, Blur(0.5, 3.0, 1.0), view_generators(0, 0, range(3), 0)), even)


def test_standard_deviations_are_within_the_requested_range() -> None:
    # After blurring, the image of a single bright pixel has the variance of the Gaussian.
    point = torch.zeros(300, 1, 1, 41, 41)
    point[..., 20, 20] = 1000
    after = blur(point, Blur(1.0, 3.0, 1.0), view_generators(0, 0, range(300), 0))
    profile = after.sum(3).squeeze() / 1000
    sigmas = (profile * (torch.arange(41) - 20) ** 2).sum(1).sqrt()
    assert 0.98 < sigmas.min() < 1.03
    assert 2.95 < sigmas.max() < 3.01
    assert abs(sigmas.mean() - 2) < 0.1


def test_clips_are_blurred_with_the_given_probability() -> None:
    video = noise(400, 1, 1, 6, 6)
    after = blur(video, Blur(1.0, 2.0, 0.25), view_generators(0, 0, range(400), 0))
    same = sum(torch.equal(a, b.float()) for a, b in zip(after, video, strict=True))
    assert 270 < same < 330  # 300 expected, standard deviation 8.7
    assert torch.equal(blur(video, Blur(probability=0.0), view_generators(0, 0, range(400), 0)), video)


def test_a_very_small_blur_changes_nothing() -> None:
    video = noise(3, 1, 2, 6, 7)
    assert torch.equal(blur(video, Blur(0.01, 0.01, 1.0), view_generators(0, 0, range(3), 0)), video.float())


@pytest.mark.parametrize("pixels", [1, 2, 5, 40])
def test_weights_are_symmetric_and_sum_to_one(pixels: int) -> None:
    weights = gaussian_weights(torch.tensor([0.2, 1.0, 7.0], dtype=torch.float64), pixels)
    ones = torch.ones(3, pixels, dtype=torch.float64)
    torch.testing.assert_close(weights.sum(1), ones)
    torch.testing.assert_close(weights.sum(2), ones)
    torch.testing.assert_close(weights, weights.transpose(1, 2))
