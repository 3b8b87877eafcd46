"""Tests of manifest rows in pretraining: segments, splits, and several rows of one recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.data.dataset import Batches, training_batches
from avgdt.data.errors import DataError
from avgdt.data.manifest import read_manifest
from avgdt.data.splits import split_name
from avgdt.data.windows import clip_span, segment_of, unfit
from avgdt.recipes.recipe import Data
from avgdt.training.learner import Learner
from avgdt.training.pretrain import Callbacks, pretrain
from avgdt.training.recordings import training_clips
from avgdt.training.step import train_step
from tests.evaluation.rows import row
from tests.helpers.batches import CPU
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny
from tests.helpers.selections import entries_of_list, selected

SEGMENTS = """path,start,end
00.mkv,0.5,1.25
00.mkv,2,3.5
01.mkv,,
02.mkv, 1 , 2
"""


def test_windows_lie_inside_the_segment_of_the_row(films: Path) -> None:
    collection = selected(entries_of_list(films, SEGMENTS))
    assert len(collection.train) == 4
    clips = training_clips(tiny(), collection)
    bounds = [(0.5, 1.25), (2.0, 3.5), (0.0, 4.0), (1.0, 2.0)]
    for index, (start, end) in enumerate(bounds):
        starts = [clips.windows(epoch, index)[0].video for epoch in range(200)]
        assert start <= min(starts)
        assert max(starts) + tiny().clip.seconds <= end + 1e-9
        assert max(starts) - min(starts) > 0.8 * (end - start - tiny().clip.seconds)


def test_segments_of_one_file_are_separate_items_of_one_recording(films: Path) -> None:
    recipe = tiny()
    collection = selected(entries_of_list(films, SEGMENTS))
    (batch,) = training_batches(training_clips(recipe, collection), Batches(4, 4, 1, 0), 0, pin_memory=False)
    recordings = dict(zip(batch.items.tolist(), batch.recordings.tolist(), strict=True))
    assert recordings == {0: 0, 1: 0, 2: 2, 3: 3}
    learner = Learner(recipe, 1, CPU)
    views = learner.views(batch)
    assert not (views[0][batch.items == 0] == views[0][batch.items == 1]).all()
    train_step(learner, [batch])
    assert learner.bank is not None
    assert sorted(learner.bank.owners.tolist())[-4:] == [0, 0, 2, 3]
    allowed = learner.bank.negatives(0, batch.recordings).mask.sum(1).tolist()
    assert dict(zip(batch.items.tolist(), allowed, strict=True)) == {0: 2, 1: 2, 2: 3, 3: 3}


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        ("0.2", "0.5", "too short: segment 0.2 - 0.5 s: 0.30 s with all modalities, 0.50 s needed"),
        ("2.9", "9", "too short: segment 2.9 - 9 s: 0.10 s"),
        ("5", "9", "too short: segment 5 - 9 s: 0.00 s"),
        ("0.3", "0.8", ""),
        ("0", "3", ""),
    ],
)
def test_a_segment_that_is_too_short_is_reported(start: str, end: str, reason: str) -> None:
    entry, recipe = row(start=start, end=end), tiny(clip=replace(tiny().clip, frame_rate=8.0))
    reason_given = unfit(entry, recipe.composition, recipe.clip)
    assert reason_given.startswith(reason)
    assert bool(reason_given) == bool(reason)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"start": "1"}, "end: the data has a column 'start' but no 'end'; add the missing column"),
        ({"start": "1", "end": ""}, "a.mp4: start '1' and end '' must be seconds"),
        ({"start": "2", "end": "1"}, r"a.mp4: start \(2\) must be less than end \(1\)"),
        ({"start": "nan", "end": "1"}, "a.mp4: start"),
    ],
)
def test_invalid_segments_are_named(extra: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        selected([row(**extra)])


def test_segments_of_a_label_are_used_by_evaluation_only() -> None:
    assert clip_span(row(digit="1", digit_start="1", digit_end="2"), ("video",)).seconds == 3.0


@pytest.mark.parametrize(
    ("splits", "data", "message"),
    [
        (
            ("A", "A", "B"),
            Data(),
            "list.csv: no row has split 'train'; the `split` column has: A (2), B (1); name the splits to train on "
            "with --data.splits",
        ),
        (("", "test"), Data(splits=("x", "y")), "no row has split 'x' or 'y'; the `split` column has: test (1); name"),
        (("", ""), Data(), "no row has split 'train'; the `split` column has: no split in any row; name"),
        (("train", "val"), Data(held_out="train"), "data.held_out: split 'train' is also in data.splits; name another"),
    ],
)
def test_missing_splits_are_named(splits: tuple[str, ...], data: Data, message: str) -> None:
    with pytest.raises(DataError) as raised:
        selected([row(f"{i}.mp4", split=split) for i, split in enumerate(splits)], data)
    assert message in str(raised.value)


def test_rows_of_other_splits_are_counted() -> None:
    names = ("train", "trian", "Val", "test", "", "Testing")
    selection = selected([row(f"{i}.mp4", split=split) for i, split in enumerate(names)])
    assert (len(selection.train), len(selection.held_out), selection.other_splits) == (1, 1, ("trian", "test", "test"))
    assert selected([row(f"{i}.mp4") for i in range(3)]).other_splits == ()


def test_splits_that_differ_only_in_case_or_blanks_are_refused(films: Path) -> None:
    with pytest.raises(
        DataError, match="split: 'fold 1' and 'Fold1' differ only in case or whitespace; use one spelling"
    ):
        entries_of_list(films, "path,split\n00.mkv,fold 1\n01.mkv,Fold1\n")
    assert len(entries_of_list(films, "path,split\n00.mkv,Train\n01.mkv,training\n02.mkv,\n")) == 3


def test_a_split_without_usable_recordings_is_reported() -> None:
    rows = [replace(row(f"{i}.mp4", split="train"), has_audio=False) for i in range(2)]
    with pytest.raises(
        DataError, match="none of the 2 rows with split 'train' can be used for training; most often: has no"
    ):
        selected([*rows, row(split="val")])


@pytest.mark.parametrize(
    ("text", "split"),
    [("Train", "train"), ("training", "train"), (" valid ", "val"), ("DEV", "val"), ("testing", "test"), ("Q", "Q")],
)
def test_other_names_of_the_splits_are_accepted(text: str, split: str) -> None:
    assert split_name(text) == split


def test_segment_columns_may_have_other_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("path,Start_Time,end_time\na.mkv,0.5,1.5\n")
    (entry,) = read_manifest(tmp_path / "a.csv")
    assert segment_of(entry, ("start", "end")) == (0.5, 1.5)


def test_a_segment_that_reaches_beyond_its_recording_is_reported(tmp_path: Path) -> None:
    write_folder(tmp_path / "own", 9)
    rows = [f"own/{i:02d}.mkv,0,{1000 if i < 2 else 1.5}" for i in range(9)]
    (tmp_path / "list.csv").write_text("\n".join(["path,start,end", *rows]))
    messages = list[str]()
    pretrain(
        tiny(data=Data(held_out_at_most=0)),
        tmp_path / "list.csv",
        tmp_path / "run",
        callbacks=Callbacks(on_message=messages.append),
    )
    assert messages == [
        "2 segments extend beyond the bounds of their recording; clips are drawn from the existing part"
    ]
