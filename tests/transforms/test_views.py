"""Tests of the views of a composition, computed from a batch of clips."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from avgdt.composition.audio_augmentations import SpecAugment, Volume
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats, Reversal, Strength, TimeShift
from avgdt.composition.video_augmentations import CentreCrop, Flip, RandomCrop
from avgdt.data.batch import Batch
from avgdt.recipes.clip import Clip, LogMel, Normalisation
from avgdt.transforms.audio_augmentation import augment_spectrogram, augment_waveform
from avgdt.transforms.errors import TransformError
from avgdt.transforms.log_mel import LogMelSpectrogram
from avgdt.transforms.rng import view_generators
from avgdt.transforms.video_augmentation import augment_video
from avgdt.transforms.views import Views

CLIP = Clip(frames=4, frame_rate=8, height=12, width=16, audio_seconds=0.5)
CROP, FLIP, VOLUME, MASKS = RandomCrop(8), Flip(0.5), Volume(0.5, 2.0), SpecAugment(2, 6, 2, 8)
TWO = Composition(Modality(), video=(CROP, FLIP), audio=(VOLUME, MASKS))
EIGHT = Composition(
    Modality(),
    TimeShift(0.5, distinctive=True),
    Reversal(invariant=True),
    video=(CROP, FLIP),
    audio=(MASKS, VOLUME),
)


def batch_of(recordings: int, windows: int = 1, channels: int = 3, epoch: int = 0) -> Batch:
    random = np.random.default_rng(recordings)
    shape = (recordings, windows, channels, CLIP.frames, CLIP.height, CLIP.width)
    return Batch(
        items=torch.arange(10, 10 + recordings),
        recordings=torch.arange(10, 10 + recordings),
        video=torch.from_numpy(random.integers(0, 256, shape, dtype=np.uint8)),
        audio=torch.from_numpy(random.normal(scale=3000, size=(recordings, windows, CLIP.samples)).astype(np.float32)),
        video_times=None,
        audio_start=None,
        epoch=epoch,
    )


def make_views(composition: Composition, channels: int = 3, seed: int = 0) -> Views:
    return Views(composition, CLIP, LogMel(), channels, seed)


def normalised(video: torch.Tensor) -> torch.Tensor:
    return ((video.double() / 255 - 0.45) / 0.225).float()


def test_the_views_of_the_paper_have_the_shapes_of_the_paper() -> None:
    composition = Composition(Modality(), video=(RandomCrop(112), Flip()), audio=(SpecAugment.mild(),))
    blank = Batch(
        torch.arange(2),
        torch.arange(2),
        torch.zeros(2, 1, 3, 30, 128, 171, dtype=torch.uint8),
        torch.zeros(2, 1, 24000),
        None,
        None,
    )
    video, audio = Views(composition, Clip(), LogMel(), 3, 0)(blank)
    assert (video.shape, video.dtype) == ((2, 3, 30, 112, 112), torch.float32)
    assert (audio.shape, audio.dtype) == ((2, 1, 40, 99), torch.float32)


@pytest.mark.parametrize("composition", [TWO, EIGHT, replace(TWO, factors=(Modality(), Repeats(3)))])
def test_each_view_is_its_window_reversed_and_then_augmented(composition: Composition) -> None:
    batch = batch_of(5, len(composition.windows), epoch=7)
    assert batch.video is not None
    assert batch.audio is not None
    views = make_views(composition, seed=3)(batch)
    assert len(views) == len(composition.views)
    for index, (view, made) in enumerate(zip(composition.views, views, strict=True)):
        window = ["now", "later"].index(view.window)
        draws = view_generators(3, 7, range(10, 15), index)
        if view.modality == "video":
            clips = batch.video[:, window]
            clips = clips[:, :, [3, 2, 1, 0]] if view.reversed else clips
            expected = normalised(augment_video(augment_video(clips, CROP, draws), FLIP, draws))
        else:
            waveform = batch.audio[:, window]
            waveform = torch.from_numpy(waveform.numpy()[:, ::-1].copy()) if view.reversed else waveform
            spectrogram = LogMelSpectrogram(LogMel(), CLIP.sample_rate)(augment_waveform(waveform, VOLUME, draws))
            expected = augment_spectrogram(spectrogram, MASKS, draws)[:, None]
        torch.testing.assert_close(made, expected, rtol=0, atol=1e-5)


def test_reversing_a_reversed_recording_restores_it() -> None:
    composition = Composition(Modality(), Reversal(invariant=True), video=(CROP,), audio=(MASKS,))
    batch, make = batch_of(3), make_views(composition)
    assert batch.video is not None
    assert batch.audio is not None
    backwards = replace(batch, video=batch.video.flip(3), audio=batch.audio.flip(-1))
    once, twice = make(batch, augment=False), make(backwards, augment=False)
    for forwards in (0, 2):
        assert torch.equal(twice[forwards + 1], once[forwards])
        assert torch.equal(twice[forwards], once[forwards + 1])
        assert not torch.equal(once[forwards], once[forwards + 1])


def test_masks_are_drawn_after_reversal_and_separately_for_every_view() -> None:
    composition = replace(EIGHT, audio=(MASKS,))
    make = make_views(composition)
    batch = batch_of(8, 2)
    hidden = [view == 0 for view in make(batch)[4:]]
    assert all(mask.any() for mask in hidden)
    for one, other in combinations(hidden, 2):
        same = [torch.equal(a, b) or torch.equal(a, b.flip(-1)) for a, b in zip(one, other, strict=True)]
        assert sum(same) <= 1  # at most one recording is equal by chance


def test_crops_and_flips_are_drawn_separately_for_every_view() -> None:
    still = batch_of(8, 2)
    assert still.video is not None
    one_picture = still.video[:, :1, :, :1].expand(-1, 2, -1, CLIP.frames, -1, -1)
    views = make_views(EIGHT)(replace(still, video=one_picture))[:4]
    for one, other in combinations(views, 2):
        assert sum(torch.equal(a, b) for a, b in zip(one, other, strict=True)) <= 1


def test_masked_values_are_zero_after_standardisation() -> None:
    composition = Composition(Modality(), audio=(SpecAugment(1, 40, 0, 0),))
    batch = batch_of(30)
    masked, plain = make_views(composition)(batch)[1], make_views(composition)(batch, augment=False)[1]
    assert ((masked == 0) | (masked == plain)).all()
    assert (masked == 0).any()


def test_augmentations_depend_only_on_epoch_recording_and_seed() -> None:
    batch, make = batch_of(6, 2, epoch=2), make_views(EIGHT)
    assert batch.video is not None
    assert batch.audio is not None
    views = make(batch)
    for again in (make(batch), make(replace(batch, epoch=0), epoch=2), make_views(EIGHT)(batch)):
        assert all(torch.equal(a, b) for a, b in zip(views, again, strict=True))
    order = torch.tensor([4, 1, 3])
    part = replace(batch, items=batch.items[order], video=batch.video[order], audio=batch.audio[order])
    for whole, some in zip(views, make(part), strict=True):
        torch.testing.assert_close(some, whole[order], rtol=0, atol=1e-6)
    for other in (make(batch, epoch=3), make_views(EIGHT, seed=1)(batch)):
        assert not any(torch.equal(a, b) for a, b in zip(views, other, strict=True))


def test_views_without_augmentation_are_not_random() -> None:
    batch = batch_of(4, 2)
    assert batch.video is not None
    first = make_views(EIGHT)(batch, augment=False)
    second = make_views(EIGHT, seed=5)(replace(batch, epoch=9), augment=False)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    torch.testing.assert_close(first[0], normalised(batch.video[:, 0, :, :, 2:10, 4:12]), rtol=0, atol=1e-6)
    make = make_views(EIGHT)
    for index, (modality, window) in enumerate(
        [("video", "now"), ("video", "later"), ("audio", "now"), ("audio", "later")]
    ):
        assert torch.equal(make.test_view(batch, modality, window), first[2 * index])  # type: ignore[arg-type]


def test_views_without_a_crop_are_whole_frames() -> None:
    batch = batch_of(2)
    assert batch.video is not None
    for augment in (True, False):
        video = make_views(Composition(Modality()))(batch, augment=augment)[0]
        torch.testing.assert_close(video, normalised(batch.video[:, 0]), rtol=0, atol=1e-6)


def test_grey_clips_and_compositions_of_audio_only_have_views() -> None:
    assert make_views(TWO, channels=1)(batch_of(2, channels=1))[0].shape == (2, 1, 4, 8, 8)
    alone = Composition(Modality(("audio",)), Repeats(2), audio=(MASKS,), partners="equal")
    one, other = make_views(alone)(replace(batch_of(2), video=None))
    assert not torch.equal(one, other)


@pytest.mark.parametrize("fraction", [0.0, 0.8, 1.0])
def test_a_fraction_of_the_mean_frame_is_subtracted(fraction: float) -> None:
    batch = batch_of(3)
    plain = Composition(Modality(), video=(CentreCrop(8),))
    view, _ = Views(plain, CLIP, LogMel(), 3, 0, Normalisation(0.4, 0.2, fraction))(batch, augment=False)
    pixels = batch.video[:, 0, :, :, 2:10, 4:12].double() / 255 if batch.video is not None else torch.empty(0)
    for frame in range(CLIP.frames):
        still = sum(pixels[:, :, t] for t in range(CLIP.frames)) / CLIP.frames
        expected = (pixels[:, :, frame] - fraction * still - (1 - fraction) * 0.4) / 0.2
        torch.testing.assert_close(view[:, :, frame].double(), expected, atol=1e-5, rtol=0)


def test_the_batch_is_unchanged_and_autocast_does_not_affect_views() -> None:
    batch, untouched = batch_of(3, 2), batch_of(3, 2)
    views = make_views(EIGHT)(batch)
    with torch.autocast("cpu", torch.bfloat16):
        again = make_views(EIGHT)(batch)
    assert all(torch.equal(a, b) for a, b in zip(views, again, strict=True))
    for name in ("recordings", "video", "audio"):
        assert torch.equal(getattr(batch, name), getattr(untouched, name))


@pytest.mark.parametrize(
    ("composition", "says"),
    [
        (replace(TWO, video=(RandomCrop(13),)), "a crop of 13 does not fit into 12 x 16 pixels"),
        (replace(TWO, audio=(SpecAugment(1, 2, 1, 50),)), "do not fit into 40 mels x 49 steps"),
    ],
)
def test_sizes_that_do_not_fit_raise_errors_before_any_batch(composition: Composition, says: str) -> None:
    with pytest.raises(TransformError, match=says):
        make_views(composition)


def test_a_batch_without_a_required_stream_is_refused() -> None:
    with pytest.raises(TransformError, match="has no audio"):
        make_views(TWO)(replace(batch_of(2), audio=None))
    with pytest.raises(TransformError, match=r"model\.video\.channels is 1, but the clips have 3"):
        make_views(TWO, channels=1)(batch_of(2))


def test_strengths_scale_the_augmentations_of_their_views() -> None:
    composition = replace(TWO, factors=(Modality(), Strength((1.0, 0.0), invariant=True)))
    batch, made = batch_of(3), make_views(composition)
    strong, none, loud, plain = made(batch)
    assert [view.name for view in composition.views] == ["video", "video strength 0", "audio", "audio strength 0"]
    assert torch.equal(none, made.test_view(batch, "video"))
    assert torch.equal(plain, made.test_view(batch, "audio"))
    assert torch.equal(strong, make_views(TWO)(batch)[0])
    assert not torch.equal(strong, none)
    assert not torch.equal(loud, plain)
    half = make_views(replace(TWO, factors=(Modality(), Strength((0.5,), invariant=True)), audio=(VOLUME,)))
    softer = make_views(replace(TWO, audio=(Volume(0.75, 1.5),)))
    assert torch.equal(half(batch)[1], softer(batch)[1])
