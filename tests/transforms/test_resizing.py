"""Tests of resized crops against closed forms, and against the rescaling of torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from avgdt.composition.video_augmentations import CentreCrop, RandomCrop, RandomResizedCrop, ShortSideJitter
from avgdt.transforms.errors import TransformError
from avgdt.transforms.rng import view_generators
from avgdt.transforms.video_augmentation import augment_clips, augment_video, draw_box, rescale, short_side_crop

HEIGHT, WIDTH = 24, 32


def noise(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def ramp(batch: int, channels: int = 3, time: int = 2) -> torch.Tensor:
    """Return images whose value at the centre of each pixel is 2 x + 3 y + 5 channel + 7 time."""
    parts = torch.meshgrid(*(torch.arange(n) for n in (channels, time, HEIGHT, WIDTH)), indexing="ij")
    return sum(f * (p + o) for f, p, o in zip((5, 7, 3, 2), parts, (0, 0, 0.5, 0.5), strict=True)).repeat(
        batch, 1, 1, 1, 1
    )


@pytest.mark.parametrize("size", [5, 12, 20])
def test_a_rescaled_box_of_a_ramp_is_the_ramp_at_the_new_pixel_centres(size: int) -> None:
    boxes = [(4.3, 6.1, 13.7, 18.2), (5.0, 8.0, 5.0, 10.0), (2.25, 9.5, size, size)]
    after = rescale(boxes, ramp(3), size)
    assert after.shape == (3, 3, 2, size, size)
    for clip, (top, left, tall, wide) in zip(after, boxes, strict=True):
        # Exact if an output pixel covers at most one or an integer number of input pixels, else within 0.1 pixels.
        exact = all(step <= 1 or step.is_integer() for step in (tall / size, wide / size))
        for c in range(3):
            for t in range(2):
                for y in range(size):
                    row = 3 * (top + (y + 0.5) * tall / size)
                    expected = [2 * (left + (x + 0.5) * wide / size) + row + 5 * c + 7 * t for x in range(size)]
                    np.testing.assert_allclose(clip[c, t, y], expected, rtol=0, atol=1e-4 if exact else 0.5)


@pytest.mark.parametrize("size", [8, 24, 50])
def test_whole_frames_are_rescaled_as_by_torch(size: int) -> None:
    video = noise(2, 3, 2, HEIGHT, WIDTH)
    after = rescale([(0, 0, HEIGHT, WIDTH)] * 2, video, size)
    frames = video.transpose(1, 2).flatten(0, 1).float()
    expected = interpolate(frames, (size, size), mode="bilinear", antialias=True)
    torch.testing.assert_close(after.transpose(1, 2).flatten(0, 1), expected, rtol=0, atol=1e-3)


def test_a_box_of_the_whole_frame_changes_nothing() -> None:
    video = noise(3, 3, 2, HEIGHT, HEIGHT)
    after = augment_video(video, RandomResizedCrop(HEIGHT, (1.0, 1.0), (1.0, 1.0)), view_generators(0, 0, range(3), 0))
    assert torch.equal(after, video.float())


def boxes_of(crop: RandomResizedCrop, count: int = 3000) -> np.ndarray:
    return np.array([draw_box(crop, HEIGHT, WIDTH, g) for g in view_generators(0, 0, range(count), 0)])


def test_boxes_have_the_requested_areas_and_shapes_and_lie_inside_the_frame() -> None:
    top, left, tall, wide = boxes_of(RandomResizedCrop(8, (0.1, 0.4), (0.5, 1.5))).T
    area, ratio = tall * wide / (HEIGHT * WIDTH), wide / tall
    assert (area.min(), area.max()) == pytest.approx((0.1, 0.4), abs=0.002)
    assert area.mean() == pytest.approx(0.25, abs=0.01)
    assert (ratio.min(), ratio.max()) == pytest.approx((0.5, 1.5), rel=0.01)
    assert np.log(ratio).mean() == pytest.approx(math.log(0.5 * 1.5) / 2, abs=0.03)
    assert top.min() >= 0
    assert left.min() >= 0
    assert (top + tall).max() <= HEIGHT
    assert (left + wide).max() <= WIDTH
    assert np.corrcoef(area, ratio)[0, 1] == pytest.approx(0, abs=0.1)


def test_a_shape_that_does_not_fit_gives_the_largest_central_box() -> None:
    tall = HEIGHT / 2
    np.testing.assert_allclose(
        boxes_of(RandomResizedCrop(8, (0.9, 1.0), (4.0, 4.0)), 5), [(HEIGHT / 2 - 4, 0, 8, WIDTH)] * 5
    )
    np.testing.assert_allclose(
        boxes_of(RandomResizedCrop(8, (0.9, 1.0), (0.5, 0.5)), 5), [(0, WIDTH / 2 - tall / 2, HEIGHT, tall)] * 5
    )


@pytest.mark.parametrize("crop", [RandomCrop(14), CentreCrop(14)])
def test_jitter_and_crop_equal_a_crop_of_a_rescaled_frame(crop: RandomCrop | CentreCrop) -> None:
    video, jitter = noise(12, 2, 3, HEIGHT, WIDTH), ShortSideJitter(15, 40)
    after = augment_clips(video, (jitter, crop), view_generators(0, 0, range(12), 0))
    assert after.shape == (12, 2, 3, 14, 14)
    for clip, cropped, g in zip(video, after, view_generators(0, 0, range(12), 0), strict=True):
        short = g.integers(15, 41)
        whole = interpolate(clip.float(), (int(short), round(WIDTH * short / HEIGHT)), mode="bilinear", antialias=True)
        expected = augment_video(whole[None], crop, [g])[0]
        torch.testing.assert_close(cropped, expected, rtol=0, atol=1e-3)


def test_short_sides_are_uniform_over_integers() -> None:
    # The slope of the ramp shows the scaling factor.
    video = ramp(1, 1, 1).expand(2000, -1, -1, -1, -1)
    after = short_side_crop(video, ShortSideJitter(24, 28), CentreCrop(12), view_generators(0, 0, range(2000), 0))
    slopes = after[:, 0, 0, 6, 0] - after[:, 0, 0, 5, 0]
    shorts = (3 * HEIGHT / slopes).round().int().tolist()
    counts = [shorts.count(short) for short in range(24, 29)]
    assert sum(counts) == 2000
    assert all(310 < count < 490 for count in counts)  # 400 expected, standard deviation 18


def test_jitter_to_the_size_of_the_frame_changes_no_pixel() -> None:
    video = noise(8, 1, 2, HEIGHT, WIDTH)
    draws, again = view_generators(0, 0, range(8), 0), view_generators(0, 0, range(8), 0)
    for g in again:
        g.integers(HEIGHT, HEIGHT, endpoint=True)
    after = augment_clips(video, (ShortSideJitter(HEIGHT, HEIGHT), RandomCrop(10)), draws)
    torch.testing.assert_close(after, augment_video(video, RandomCrop(10), again).float(), rtol=0, atol=1e-3)


def test_the_width_of_portrait_frames_is_jittered() -> None:
    video = noise(2, 1, 1, WIDTH, HEIGHT)
    after = augment_clips(video, (ShortSideJitter(12, 12), CentreCrop(12)), view_generators(0, 0, range(2), 0))
    expected = interpolate(video[:, 0].float(), (16, 12), mode="bilinear", antialias=True)[:, :, 2:14]
    torch.testing.assert_close(after[:, 0], expected, rtol=0, atol=1e-3)


def test_a_crop_larger_than_the_shortest_side_is_refused() -> None:
    with pytest.raises(TransformError, match="a crop of 20 does not fit into a side of 15 pixels"):
        short_side_crop(noise(1, 1, 1, 24, 32), ShortSideJitter(15, 40), CentreCrop(20), view_generators(0, 0, [0], 0))


def test_shapes_are_uniform_in_their_logarithm() -> None:
    ratio = boxes_of(RandomResizedCrop(8, (0.1, 0.2), (0.5, 2.0)))
    narrow = (ratio[:, 3] / ratio[:, 2] < math.sqrt(0.5)).mean()
    assert narrow == pytest.approx(0.25, abs=0.03)
