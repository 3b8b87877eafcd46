"""Tests of views with all augmentations: dependence on the seed, repeatability, and mixed precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from avgdt.composition.audio_augmentations import Equaliser, Mix, Noise, SpecAugment, Volume
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Reversal, TimeShift
from avgdt.composition.video_augmentations import (
    Blur,
    ColourJitter,
    Flip,
    Grey,
    RandomCrop,
    RandomResizedCrop,
    ShortSideJitter,
)
from avgdt.data.batch import Batch
from avgdt.recipes.clip import Clip, LogMel
from avgdt.transforms.audio_augmentation import augment_spectrogram, augment_waveform
from avgdt.transforms.errors import TransformError
from avgdt.transforms.log_mel import LogMelSpectrogram
from avgdt.transforms.rng import view_generators
from avgdt.transforms.video_augmentation import augment_clips
from avgdt.transforms.views import Views

CLIP = Clip(frames=3, frame_rate=8, height=12, width=16, audio_seconds=0.25)
SOUND = (Mix(0.1, 0.5, 0.9), SpecAugment(1, 6, 1, 8), Noise(0.0, 20.0, 0.9), Volume(0.5, 2.0), Equaliser(6.0))
ALL = Composition(
    Modality(),
    TimeShift(0.5, distinctive=True),
    Reversal(invariant=True),
    video=(ShortSideJitter(8, 20), RandomCrop(8), Flip(), ColourJitter(hue=0.2), Grey(), Blur()),
    audio=SOUND,
)
RESIZED = replace(ALL, video=(RandomResizedCrop(8), Blur(), ColourJitter()))


def batch_of(recordings: int, channels: int = 3, epoch: int = 7) -> Batch:
    random = np.random.default_rng(recordings)
    shape = (recordings, 2, channels, CLIP.frames, CLIP.height, CLIP.width)
    return Batch(
        items=torch.arange(10, 10 + recordings),
        recordings=torch.arange(10, 10 + recordings),
        video=torch.from_numpy(random.integers(0, 256, shape, dtype=np.uint8)),
        audio=torch.from_numpy(random.normal(scale=3000, size=(recordings, 2, CLIP.samples)).astype(np.float32)),
        video_times=None,
        audio_start=None,
        epoch=epoch,
    )


def make_views(composition: Composition, channels: int = 3, seed: int = 3) -> Views:
    return Views(composition, CLIP, LogMel(), channels, seed)


@pytest.mark.parametrize("composition", [ALL, RESIZED])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_view_is_its_window_reversed_and_then_augmented(composition: Composition, channels: int) -> None:
    batch = batch_of(5, channels)
    assert batch.video is not None
    assert batch.audio is not None
    for index, (view, made) in enumerate(zip(composition.views, make_views(composition, channels)(batch), strict=True)):
        window = ["now", "later"].index(view.window)
        draws = view_generators(3, 7, range(10, 15), index)
        if view.modality == "video":
            clips = batch.video[:, window].flip(2) if view.reversed else batch.video[:, window]
            expected = (augment_clips(clips, composition.video, draws) / 255 - 0.45) / 0.225
        else:
            waveform = batch.audio[:, window].flip(-1) if view.reversed else batch.audio[:, window]
            for step in (SOUND[0], *SOUND[2:]):
                waveform = augment_waveform(waveform, step, draws)
            spectrogram = LogMelSpectrogram(LogMel(), CLIP.sample_rate)(waveform)
            expected = augment_spectrogram(spectrogram, SOUND[1], draws)[:, None]
        torch.testing.assert_close(made, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("composition", [ALL, RESIZED])
def test_views_are_repeatable_and_change_from_epoch_to_epoch(composition: Composition) -> None:
    batch = batch_of(6)
    views = make_views(composition)(batch)
    for again in (make_views(composition)(batch), make_views(composition)(replace(batch, epoch=0), epoch=7)):
        assert all(torch.equal(a, b) for a, b in zip(views, again, strict=True))
    for other in (make_views(composition)(batch, epoch=8), make_views(composition, seed=4)(batch)):
        assert not any(torch.equal(a, b) for a, b in zip(views, other, strict=True))


@pytest.mark.parametrize("composition", [ALL, RESIZED])
def test_mixed_precision_does_not_affect_views_and_the_batch_is_unchanged(composition: Composition) -> None:
    batch, untouched = batch_of(4), batch_of(4)
    views = make_views(composition)(batch)
    with torch.autocast("cpu", torch.bfloat16):
        again = make_views(composition)(batch)
    assert all(torch.equal(a, b) for a, b in zip(views, again, strict=True))
    assert batch.video is not None
    assert batch.audio is not None
    assert torch.equal(batch.video, untouched.video)  # type: ignore[arg-type]
    assert torch.equal(batch.audio, untouched.audio)  # type: ignore[arg-type]


def test_evaluation_uses_the_central_crop_without_augmentation() -> None:
    batch = batch_of(2)
    assert batch.video is not None
    seen = make_views(RESIZED).test_view(batch, "video")
    torch.testing.assert_close(seen, (batch.video[:, 0, ..., 2:10, 4:12] / 255 - 0.45) / 0.225)


def test_a_crop_that_does_not_fit_raises_an_error_before_any_batch() -> None:
    with pytest.raises(TransformError, match="a crop of 13 does not fit into 12 x 16 pixels"):
        make_views(replace(ALL, video=(RandomResizedCrop(13),)))
    with pytest.raises(TransformError, match="a crop of 14 does not fit into 12 x 16 pixels"):
        make_views(replace(ALL, video=(ShortSideJitter(14, 20), RandomCrop(14))))
