from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from avgdt.data.clips import ClipReader
from avgdt.data.dataset import Batches, Clips, training_batches
from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry
from avgdt.data.selection import list_recordings, select
from avgdt.data.windows import Window
from avgdt.recipes.recipe import Data
from avgdt.training.recordings import training_clips
from tests.helpers.folders import write_folder
from tests.helpers.media_files import board_indices, evenly, noise, write_media
from tests.helpers.recipes import tiny


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    return list_recordings(write_folder(tmp_path_factory.mktemp("films"), 11), workers=1)


def test_each_epoch_is_a_different_permutation() -> None:
    batches = list(Batches(recordings=10, batch=5, epochs=3, seed=0))
    assert len(batches) == len(Batches(10, 5, 3, 0)) == 6
    epochs = [[i for batch in batches[e : e + 2] for _, i in batch] for e in (0, 2, 4)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


@pytest.mark.parametrize("step", range(7))
def test_batches_can_resume_at_any_step(step: int) -> None:
    whole = list(Batches(7, 3, 3, seed=5))
    rest = Batches(7, 3, 3, seed=5, first_step=step)
    assert list(rest) == whole[step:]
    assert len(rest) == len(whole) - step


@pytest.mark.parametrize(
    ("recordings", "batch", "sizes"), [(51, 32, {25, 26}), (64, 32, {32}), (7, 32, {7}), (5, 2, {2, 3}), (1, 4, {1})]
)
def test_an_incomplete_batch_can_be_distributed_over_the_other_batches(
    recordings: int, batch: int, sizes: set[int]
) -> None:
    batches = list(Batches(recordings, batch, epochs=2, seed=0, remainder="spread"))
    assert {len(one) for one in batches} == sizes
    assert sorted(order for one in batches for order in one) == [
        (epoch, i) for epoch in range(2) for i in range(recordings)
    ]
    assert list(Batches(recordings, batch, 2, 0, first_step=1, remainder="spread")) == batches[1:]


def test_batches_do_not_depend_on_the_number_of_workers(entries: list[Entry]) -> None:
    recipe = tiny()
    clips = training_clips(recipe, select(entries, recipe.data, recipe.composition, recipe.clip, Path("x")))
    runs = [
        list(training_batches(clips, Batches(len(clips), 4, 2, 0), workers, pin_memory=False)) for workers in (0, 2)
    ]
    for a, b in zip(*runs, strict=True):
        assert torch.equal(a.recordings, b.recordings)
        assert a.epoch == b.epoch
        assert a.video is not None
        assert b.video is not None
        assert torch.equal(a.video, b.video)
        assert a.audio is not None
        assert b.audio is not None
        assert torch.equal(a.audio, b.audio)


def test_audio_is_aligned_with_the_presented_frame(tmp_path: Path) -> None:
    waveform = noise(2, 8000)
    path = write_media(tmp_path / "a.mkv", evenly(10, 5), waveform, size=(24, 32), sample_rate=8000)
    recipe = tiny()
    item = ClipReader(recipe.clip, ("video", "audio"), grey=True).read(0, Entry(path), [Window(0.5)])
    assert item.video is not None
    assert item.video_times is not None
    assert item.audio is not None
    # Frames last 0.2 s; requests every 0.125 s from 0.5 s return the frames at 0.4, 0.6, 0.6 and 0.8 s.
    assert item.video_times[0] == pytest.approx([0.4, 0.6, 0.6, 0.8], abs=1e-3)
    assert board_indices(item.video[0].transpose(1, 2, 3, 0)) == [2, 3, 3, 4]
    assert item.audio_start == pytest.approx([0.4], abs=1e-3)
    np.testing.assert_allclose(item.audio[0], waveform[0, 3200:7200], atol=1)


def test_a_file_that_became_unreadable_is_reported_and_the_batch_continues(
    entries: list[Entry], tmp_path: Path
) -> None:
    recipe = tiny()
    gone = [Entry(tmp_path / "gone.mkv"), *entries[1:]]
    clips = Clips(gone, ClipReader(recipe.clip, ("video", "audio"), grey=False), _start)
    (batch,) = training_batches(clips, Batches(11, 11, 1, 0), 0, pin_memory=False)
    assert len(batch) == 10
    (failure,) = batch.failures
    assert failure.item == 0
    assert "gone.mkv" in failure.reason
    assert 0 not in batch.recordings


def _start(epoch: int, index: int) -> list[Window]:
    return [Window(0.0)]


def test_clips_can_be_pickled(entries: list[Entry]) -> None:
    recipe = tiny()
    clips = training_clips(recipe, select(entries, recipe.data, recipe.composition, recipe.clip, Path("x")))
    assert len(pickle.loads(pickle.dumps(clips))) == len(clips)


def with_splits(entries: list[Entry]) -> list[Entry]:
    names = ["train"] * 6 + ["val"] * 3 + ["test"] * 2
    return [Entry(**{**vars(e), "extra": {"split": s}}) for e, s in zip(entries, names, strict=True)]


def test_training_and_held_out_splits_do_not_overlap(entries: list[Entry]) -> None:
    recipe = tiny()
    selection = select(with_splits(entries), Data(), recipe.composition, recipe.clip, Path("x"))
    assert (len(selection.train), len(selection.held_out)) == (6, 3)
    both = select(
        with_splits(entries), Data(splits=("train", "val"), held_out="test"), recipe.composition, recipe.clip, Path("x")
    )
    assert (len(both.train), len(both.held_out)) == (9, 2)
    assert not {e.path for e in both.train} & {e.path for e in both.held_out}


def test_a_split_cannot_be_used_for_training_and_held_out(entries: list[Entry]) -> None:
    recipe = tiny()
    with pytest.raises(DataError, match="held_out"):
        select(with_splits(entries), Data(splits=("val",)), recipe.composition, recipe.clip, Path("x"))
    with pytest.raises(DataError, match=r"data\.splits"):
        select(with_splits(entries), Data(splits=("tarin",)), recipe.composition, recipe.clip, Path("x"))


def test_an_empty_list_of_recordings_raises_an_error() -> None:
    recipe = tiny()
    with pytest.raises(DataError, match=r"list\.csv: contains no recordings"):
        select([], Data(), recipe.composition, recipe.clip, Path("list.csv"))


def test_without_splits_a_fixed_tenth_is_held_out(entries: list[Entry]) -> None:
    recipe = tiny()
    first, again = (select(entries, Data(), recipe.composition, recipe.clip, Path("x")) for _ in range(2))
    assert first == again
    assert (len(first.train), len(first.held_out)) == (10, 1)
