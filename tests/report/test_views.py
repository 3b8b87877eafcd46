from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from avgdt.composition.audio_augmentations import SpecAugment
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Reversal, Speed, TimeShift
from avgdt.composition.video_augmentations import CentreCrop
from avgdt.data.clips import ClipReader
from avgdt.data.manifest import Entry
from avgdt.data.windows import common_span, draw_windows
from avgdt.recipes.clip import Normalisation
from avgdt.report.views import GAP, recording_views
from tests.helpers.recipes import tiny
from tests.report.reading import content


def frames(uri: str, width: int) -> np.ndarray:
    """Return the frames of a strip, (time, height, width, 3)."""
    with av.open(io.BytesIO(content(uri, "image/png"))) as file:
        strip = next(file.decode(video=0)).to_ndarray(format="rgba")
    count = (strip.shape[1] + GAP) // (width + GAP)
    parts = [strip[:, i * (width + GAP) : i * (width + GAP) + width] for i in range(count)]
    assert all((part[..., 3] == 255).all() for part in parts)
    return np.stack(parts)[..., :3]


def test_strips_show_the_decoded_clip_and_the_inputs_of_the_networks(entries: list[Entry]) -> None:
    recipe = tiny(composition=Composition(Modality(), video=(CentreCrop(24),), audio=(SpecAugment.none(),)))
    drawn = recording_views(recipe, entries)
    assert drawn is not None
    windows = draw_windows(
        recipe.composition, recipe.clip, common_span(entries[0], ("video", "audio")), recipe.run.seed, 0, 0
    )
    read = ClipReader(recipe.clip, ("video",), grey=False).read(0, entries[0], windows)
    assert read.video is not None
    clip = read.video[0].transpose(1, 2, 3, 0)
    ((video, audio),) = drawn.decoded
    assert (frames(video.image, 32) == clip).all()
    # Normalisation is inverted exactly, so the centre of every frame is unchanged.
    (first_video, first_audio), (second_video, _) = drawn.views
    assert (frames(first_video.image, 24) == clip[:, :, 4:28]).all()
    assert first_audio.image == audio.image
    assert first_video.image == second_video.image


def test_every_view_is_drawn(entries: list[Entry]) -> None:
    composition = Composition(Modality(), TimeShift(at_least=0.2, distinctive=True), Reversal(invariant=True))
    drawn = recording_views(tiny(composition=composition), entries)
    assert drawn is not None
    assert [[one.title for one in row] for row in drawn.decoded] == [
        ["video now", "audio now"],
        ["video later", "audio later"],
    ]
    assert [one.title for row in drawn.views for one in row if one.modality == "video"] == [
        view.name for view in composition.views if view.modality == "video"
    ]
    forwards, backwards = (frames(row[0].image, 32) for row in drawn.views[:2])
    assert (forwards[::-1] == backwards).all()


def test_a_clip_is_drawn_at_each_speed(entries: list[Entry]) -> None:
    drawn = recording_views(tiny(composition=Composition(Modality(), Speed((1.0, 2.0), distinctive=True))), entries)
    assert drawn is not None
    assert [[one.title for one in row] for row in drawn.decoded] == [
        ["video", "audio"],
        ["video at speed 2", "audio at speed 2"],
    ]
    for (video, _), (read, _) in zip(drawn.views, drawn.decoded, strict=True):
        assert (frames(video.image, 32) == frames(read.image, 32)).all()
    slow, fast = (frames(row[0].image, 32) for row in drawn.decoded)
    assert (slow[::2] == fast[:2]).all()


def test_grey_frames_with_the_mean_frame_subtracted_are_drawn(entries: list[Entry]) -> None:
    recipe = tiny(normalisation=Normalisation(subtract_mean_frame=1.0))
    recipe = replace(recipe, model=replace(recipe.model, video=replace(recipe.model.video, channels=1)))
    drawn = recording_views(recipe, entries)
    assert drawn is not None
    after = frames(drawn.views[0][0].image, 24).astype(float)
    assert (after == after[..., :1]).all()
    # The mean over time is mid-grey after the mean frame is subtracted, except in pixels clipped at black or white.
    uncut = ((after > 0) & (after < 255)).all(0)
    assert uncut.any()
    assert np.abs(after.mean(0)[uncut] - 127.5).max() <= 1


@pytest.mark.parametrize("first", [True, False])
def test_missing_recordings_are_skipped(first: bool, entries: list[Entry]) -> None:
    gone = replace(entries[0], path=Path("gone.mkv"))
    drawn = recording_views(tiny(), [gone, entries[1]] if first else [gone])
    assert (drawn.path.name if drawn else None) == ("1.mkv" if first else None)
