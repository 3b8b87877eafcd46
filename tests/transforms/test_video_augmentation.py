"""Tests of crop and flip: exact pixels, one random choice for all frames of a clip, and independent clips."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from avgdt.composition.video_augmentations import CentreCrop, Flip, RandomCrop
from avgdt.transforms.errors import TransformError
from avgdt.transforms.preprocessing import centre_crop
from avgdt.transforms.rng import view_generators
from avgdt.transforms.video_augmentation import augment_video


def clips(batch: int, channels: int = 3, time: int = 4, height: int = 9, width: int = 12) -> torch.Tensor:
    """Return clips whose pixels all differ, so that a pixel shows the position from which it was taken."""
    shape = (channels, time, height, width)
    return torch.arange(channels * time * height * width, dtype=torch.int32).view(shape).repeat(batch, 1, 1, 1, 1)


def noise(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def corner(clip: torch.Tensor, width: int) -> tuple[int, int]:
    first = int(clip[0, 0, 0, 0])
    return first // width, first % width


def test_a_crop_is_an_exact_square_of_the_clip() -> None:
    video = clips(32)
    cropped = augment_video(video, RandomCrop(5), view_generators(0, 0, range(32), 0))
    assert cropped.shape == (32, 3, 4, 5, 5)
    corners = set()
    for before, after in zip(video, cropped, strict=True):
        top, left = corner(after, 12)
        # all channels and frames have the same crop and stay in order
        assert torch.equal(after, before[:, :, top : top + 5, left : left + 5])
        corners.add((top, left))
    assert len(corners) > 10


def test_positions_of_crops_are_uniform() -> None:
    video = clips(1, channels=1, time=1).expand(2000, -1, -1, -1, -1)
    cropped = augment_video(video, RandomCrop(8), view_generators(0, 0, range(2000), 0))
    counts: dict[tuple[int, int], int] = {}
    for clip in cropped:
        counts[corner(clip, 12)] = counts.get(corner(clip, 12), 0) + 1
    assert set(counts) == {(top, left) for top in range(2) for left in range(5)}
    assert all(140 < count < 260 for count in counts.values())  # 200 expected, standard deviation 13.4


def test_a_crop_of_the_whole_frame_changes_nothing() -> None:
    video = noise(2, 3, 4, 7, 7)
    assert torch.equal(augment_video(video, RandomCrop(7), view_generators(0, 0, range(2), 0)), video)


def test_the_centre_crop_is_central() -> None:
    video = noise(2, 3, 4, 9, 12)
    for cropped in (centre_crop(video, 4), augment_video(video, CentreCrop(4), view_generators(0, 0, range(2), 0))):
        assert torch.equal(cropped, video[..., 2:6, 4:8])


def test_a_flip_mirrors_all_frames_of_a_clip_or_none() -> None:
    video = noise(400, 2, 3, 4, 5)
    flipped = augment_video(video, Flip(0.25), view_generators(0, 0, range(400), 0))
    mirrored = 0
    for before, after in zip(video, flipped, strict=True):
        changed = torch.equal(after, before[..., [4, 3, 2, 1, 0]])
        assert changed or torch.equal(after, before)
        mirrored += changed
    assert 70 < mirrored < 130  # 100 expected, standard deviation 8.7


@pytest.mark.parametrize(("probability", "reversed_columns"), [(0.0, False), (1.0, True)])
def test_flips_of_probability_one_mirror_every_clip(probability: float, reversed_columns: bool) -> None:
    video = noise(20, 1, 2, 3, 4)
    after = augment_video(video, Flip(probability), view_generators(0, 0, range(20), 0))
    assert torch.equal(after, video.flip(-1) if reversed_columns else video)


@pytest.mark.parametrize("augmentation", [RandomCrop(5), Flip()])
def test_augmentations_of_a_clip_do_not_depend_on_the_other_clips(augmentation: RandomCrop | Flip) -> None:
    video = noise(6, 3, 2, 9, 12)
    together = augment_video(video, augmentation, view_generators(5, 1, range(6), 2))
    order = [4, 0, 3]
    separate = augment_video(video[order], augmentation, view_generators(5, 1, order, 2))
    assert torch.equal(separate, together[order])


@pytest.mark.parametrize("augmentation", [RandomCrop(10), CentreCrop(10)])
def test_a_crop_that_does_not_fit_is_refused(augmentation: RandomCrop | CentreCrop) -> None:
    with pytest.raises(TransformError, match=r"crop of 10 does not fit into 9 x 12 pixels; .*clip\.height"):
        augment_video(clips(1), augmentation, view_generators(0, 0, [0], 0))
