"""Tests of every video augmentation: one random choice per clip, which depends only on its generator."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from avgdt.composition.video_augmentations import (
    Blur,
    CentreCrop,
    ColourJitter,
    Flip,
    Grey,
    RandomCrop,
    RandomResizedCrop,
    ShortSideJitter,
    VideoAugmentation,
)
from avgdt.transforms.rng import view_generators
from avgdt.transforms.video_augmentation import augment_clips, augment_video

STEPS: list[tuple[VideoAugmentation, ...]] = [
    (RandomCrop(10),),
    (Flip(),),
    (ShortSideJitter(12, 40), RandomCrop(10)),
    (ShortSideJitter(12, 40), CentreCrop(10)),
    (RandomResizedCrop(10),),
    (ColourJitter(0.4, 0.4, 0.4, 0.1),),
    (Grey(0.5),),
    (Blur(0.5, 2.0, 0.8),),
    (ShortSideJitter(18, 30), RandomCrop(16), Flip(), ColourJitter(), Grey(), Blur()),
]
for_all_augmentations = pytest.mark.parametrize(
    "steps", STEPS, ids=lambda steps: " ".join(type(s).__name__ for s in steps)
)


def noise(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


@for_all_augmentations
def test_equal_frames_of_a_clip_stay_equal(steps: tuple[VideoAugmentation, ...]) -> None:
    still = noise(8, 3, 1, 20, 26).expand(-1, -1, 4, -1, -1)
    after = augment_clips(still, steps, view_generators(0, 0, range(8), 0))
    assert all(torch.equal(after[:, :, 0], after[:, :, t]) for t in range(4))


@for_all_augmentations
def test_augmentations_are_repeatable_and_differ_between_items_views_and_epochs(
    steps: tuple[VideoAugmentation, ...],
) -> None:
    clips = noise(1, 3, 2, 20, 26).expand(40, -1, -1, -1, -1)
    one = augment_clips(clips, steps, view_generators(0, 0, range(40), 0))
    assert torch.equal(one, augment_clips(clips, steps, view_generators(0, 0, range(40), 0)))
    assert not all(torch.equal(one[0], other) for other in one)
    for others in (
        view_generators(0, 0, range(40), 1),
        view_generators(0, 1, range(40), 0),
        view_generators(1, 0, range(40), 0),
    ):
        assert not torch.equal(one, augment_clips(clips, steps, others))


@for_all_augmentations
def test_augmentations_of_a_clip_do_not_depend_on_the_other_clips(steps: tuple[VideoAugmentation, ...]) -> None:
    video, order = noise(6, 3, 2, 20, 26), [4, 0, 3]
    together = augment_clips(video, steps, view_generators(5, 1, range(6), 2))
    separate = augment_clips(video[order], steps, view_generators(5, 1, order, 2))
    torch.testing.assert_close(separate.float(), together[order].float(), rtol=0, atol=1e-3)


@for_all_augmentations
def test_values_stay_in_the_range_of_pixels_and_the_input_is_unchanged(steps: tuple[VideoAugmentation, ...]) -> None:
    video = 255 * noise(6, 3, 2, 20, 26).gt(127).to(torch.uint8)
    before = video.clone()
    after = augment_clips(video, steps, view_generators(0, 0, range(6), 0)).float()
    assert after.min() >= -1e-3
    assert after.max() <= 255 + 1e-3
    assert torch.equal(video, before)


def test_augmentations_are_applied_in_order() -> None:
    video = noise(5, 3, 2, 20, 26)
    steps = (RandomResizedCrop(12), ColourJitter(), Blur(1.0, 2.0, 1.0))
    expected, draws = video, view_generators(0, 0, range(5), 0)
    for step in steps:
        expected = augment_video(expected, step, draws)
    assert torch.equal(augment_clips(video, steps, view_generators(0, 0, range(5), 0)), expected)
