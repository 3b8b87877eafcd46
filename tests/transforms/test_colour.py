"""Tests of ColourJitter and Grey against closed forms and slow loops, also with as many frames as channels."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch

from avgdt.composition.video_augmentations import ColourJitter, Grey
from avgdt.transforms.errors import TransformError
from avgdt.transforms.rng import view_generators
from avgdt.transforms.video_augmentation import augment_video

LUMA = np.array([0.299, 0.587, 0.114])


def noise(*shape: int, low: int = 0, high: int = 256) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(low, high, shape, dtype=np.uint8))


def jittered(video: torch.Tensor, jitter: ColourJitter) -> torch.Tensor:
    return augment_video(video, jitter, view_generators(0, 0, range(len(video)), 0))


def luma(video: torch.Tensor) -> np.ndarray:
    return np.einsum("c,bcthw->bthw", LUMA, video.double().numpy())


def test_values_equal_those_of_a_slow_loop_over_pixels() -> None:
    video = noise(4, 3, 2, 3, 4)
    after = jittered(video, ColourJitter(0.8, 0.7, 0.9, 0.3))
    for clip, jittered_clip, g in zip(video.double().numpy(), after, view_generators(0, 0, range(4), 0), strict=True):
        brightness, contrast, saturation = (g.uniform(1 - s, 1 + s) for s in (0.8, 0.7, 0.9))
        angle = 2 * np.pi * g.uniform(-0.3, 0.3)
        mean = np.mean([LUMA @ (brightness * clip[:, t, y, x]) for t in range(2) for y in range(3) for x in range(4)])
        axis = np.ones(3) / np.sqrt(3)
        for t in range(2):
            for y in range(3):
                for x in range(4):
                    colour = mean + contrast * (brightness * clip[:, t, y, x] - mean)
                    colour = LUMA @ colour + saturation * (colour - LUMA @ colour)
                    # Rodrigues' formula of a rotation about the grey axis
                    colour = (
                        colour * np.cos(angle)
                        + np.cross(axis, colour) * np.sin(angle)
                        + axis * (axis @ colour) * (1 - np.cos(angle))
                    )
                    np.testing.assert_allclose(jittered_clip[:, t, y, x], np.clip(colour, 0, 255), atol=1e-2)


def test_brightness_scales_a_clip_by_one_factor() -> None:
    video = noise(300, 3, 4, 3, 3, low=1, high=120)
    after = jittered(video, ColourJitter(0.5, 0, 0))
    factors = (after / video).flatten(1)
    torch.testing.assert_close(factors, factors[:, :1].expand_as(factors), rtol=1e-5, atol=0)
    torch.testing.assert_close(after.mean((1, 2, 3, 4)), factors[:, 0] * video.float().mean((1, 2, 3, 4)))
    assert 0.5 <= factors.min() < 0.52
    assert 1.48 < factors.max() <= 1.5 + 1e-5


def test_contrast_keeps_the_mean_luma_and_scales_its_standard_deviation() -> None:
    video = noise(200, 3, 4, 5, 5, low=100, high=156)
    before, after = luma(video), luma(jittered(video, ColourJitter(0, 0.5, 0)))
    np.testing.assert_allclose(after.mean((1, 2, 3)), before.mean((1, 2, 3)), atol=1e-3)
    factors = after.std((1, 2, 3)) / before.std((1, 2, 3))
    assert 0.5 <= factors.min() < 0.53
    assert 1.47 < factors.max() <= 1.5 + 1e-5


def test_saturation_keeps_every_luma_and_scales_the_distance_from_it() -> None:
    video = noise(200, 3, 2, 3, 3, low=100, high=156)
    after = jittered(video, ColourJitter(0, 0, 1.0))
    np.testing.assert_allclose(luma(after), luma(video), atol=1e-3)
    chroma = [v.double().numpy() - luma(v)[:, None] for v in (video, after)]
    factors = (chroma[0] * chroma[1]).sum((1, 2, 3, 4)) / np.square(chroma[0]).sum((1, 2, 3, 4))
    np.testing.assert_allclose(chroma[1], factors[:, None, None, None, None] * chroma[0], atol=1e-2)
    assert 0 <= factors.min() < 0.05
    assert 1.95 < factors.max() <= 2 + 1e-5


def test_hue_rotates_colours_and_keeps_grey_and_the_mean_of_the_channels() -> None:
    red = torch.tensor([200.0, 80.0, 80.0]).view(1, 3, 1, 1, 1).expand(400, 3, 2, 2, 2)
    after = jittered(red, ColourJitter(0, 0, 0, 0.2))
    torch.testing.assert_close(after.mean(1), red.mean(1), rtol=1e-5, atol=0)
    turns = [colorsys.rgb_to_hsv(*(clip[:, 0, 0, 0] / 255).tolist())[0] for clip in after]
    turns = [turn - round(turn) for turn in turns]
    assert min(turns) == pytest.approx(-0.2, abs=0.02)
    assert max(turns) == pytest.approx(0.2, abs=0.02)
    grey = noise(5, 1, 2, 3, 3).expand(-1, 3, -1, -1, -1)
    torch.testing.assert_close(jittered(grey, ColourJitter(0, 0, 1.0, 0.5)), grey.float(), rtol=0, atol=1e-3)


def test_a_hue_shift_of_a_third_permutes_the_channels() -> None:
    class Third:
        def uniform(self, low: float, high: float) -> float:
            return 1 / 3 if low < 0 else 1.0

    colours = torch.tensor([200.0, 30.0, 90.0]).view(1, 3, 1, 1, 1)
    after = augment_video(colours, ColourJitter(0, 0, 0, 0.5), [Third()])  # type: ignore[list-item]
    torch.testing.assert_close(after.flatten(), torch.tensor([90.0, 200.0, 30.0]))


@pytest.mark.parametrize("channels", [1, 3])
def test_zero_strength_changes_nothing(channels: int) -> None:
    video = noise(4, channels, 3, 4, 5)
    assert torch.equal(jittered(video, ColourJitter(0, 0, 0, 0)), video.float())
    assert torch.equal(augment_video(video, Grey(0.0), view_generators(0, 0, range(4), 0)), video)


@pytest.mark.parametrize("step", [ColourJitter(0.4, 0.4, 0.4, 0.1), Grey(0.5)])
def test_frames_and_channels_are_not_confused(step: ColourJitter | Grey) -> None:
    # The frames of a clip of equal frames stay equal; in a clip with one bright frame, only this frame stays bright.
    still = noise(6, 3, 1, 4, 5).expand(-1, -1, 5, -1, -1)
    after = augment_video(still, step, view_generators(0, 0, range(6), 0))
    assert all(torch.equal(after[:, :, 0], after[:, :, t]) for t in range(5))
    one_lit = torch.zeros(6, 3, 3, 4, 5)
    one_lit[:, :, 1] = 100
    after = augment_video(one_lit, step, view_generators(0, 0, range(6), 0))
    torch.testing.assert_close(after[:, :, 0], after[:, :, 2])
    assert (after[:, :, 1] > after[:, :, 0]).all()
    assert not isinstance(step, Grey) or torch.allclose(after, one_lit, atol=1e-3)


def test_grey_clips_change_only_in_brightness_and_contrast() -> None:
    video = noise(6, 1, 3, 4, 5)
    assert torch.equal(jittered(video, ColourJitter(0.4, 0.4, 1.0, 0.5)), jittered(video, ColourJitter(0.4, 0.4, 0, 0)))
    coloured = jittered(video.expand(-1, 3, -1, -1, -1), ColourJitter(0.4, 0.4, 0, 0))
    torch.testing.assert_close(jittered(video, ColourJitter(0.4, 0.4)), coloured[:, :1], rtol=0, atol=1e-3)
    assert torch.equal(augment_video(video, Grey(1.0), view_generators(0, 0, range(6), 0)), video)


def test_grey_sets_all_channels_to_the_luma_with_the_given_probability() -> None:
    video = noise(400, 3, 2, 3, 4)
    after = augment_video(video, Grey(0.25), view_generators(0, 0, range(400), 0))
    assert after.shape == video.shape
    changed = 0
    for before, made, expected in zip(video, after, luma(video), strict=True):
        if not torch.equal(made, before.float()):
            np.testing.assert_allclose(made, np.broadcast_to(expected, made.shape), atol=1e-3)
            changed += 1
    assert 70 < changed < 130  # 100 expected, standard deviation 8.7


@pytest.mark.parametrize("step", [ColourJitter(), Grey(1.0)])
def test_other_numbers_of_channels_are_refused(step: ColourJitter | Grey) -> None:
    with pytest.raises(TransformError, match=f"{type(step).__name__} requires clips with 1 or 3 channels, not 2"):
        augment_video(noise(1, 2, 3, 4, 5), step, view_generators(0, 0, [0], 0))
