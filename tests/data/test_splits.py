"""Tests of manifest rows in pretraining: segments, splits, and several rows of one recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.data.dataset import Batches, training_batches
from avgdt.data.errors import DataError
from avgdt.data.fingerprint import fingerprint, whole_content
from avgdt.data.manifest import Entry, read_manifest
from avgdt.data.selection import Selection, list_recordings, select
from avgdt.data.splits import SameRecording, SplitSpan, check_no_leakage, file_indices, recording_indices, split_name
from avgdt.data.windows import clip_span, segment_of, unfit
from avgdt.errors import AvgdtError
from avgdt.recipes.recipe import Data, Recipe
from avgdt.training.learner import Learner
from avgdt.training.pretrain import Callbacks, pretrain
from avgdt.training.recordings import training_clips
from avgdt.training.step import train_step
from tests.evaluation.rows import row
from tests.helpers.batches import CPU
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("films"), 4, seconds=4)


def entries_of_list(folder: Path, text: str) -> list[Entry]:
    (folder / "list.csv").write_text(text)
    return list_recordings(folder / "list.csv", workers=1)


def selected(entries: list[Entry], data: Data | None = None) -> Selection:
    recipe = tiny()
    return select(entries, data or recipe.data, recipe.composition, recipe.clip, Path("list.csv"))


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


def test_rows_of_one_file_are_held_out_together() -> None:
    entries = [row(f"{i // 3}.mp4", start=str(i % 3), end=str(i % 3 + 0.9)) for i in range(60)]
    selection = selected(entries, Data(held_out_at_most=100))
    assert len(selection.held_out) == 2 * 3
    assert not {entry.path for entry in selection.train} & {entry.path for entry in selection.held_out}
    assert len(selection.train) == 54


def test_duplicate_rows_are_used_once_and_counted(films: Path, tmp_path: Path) -> None:
    (tmp_path / "link.mkv").symlink_to(films / "01.mkv")
    (tmp_path / "hard.mkv").hardlink_to(films / "01.mkv")
    names = [films / "00.mkv", films / "00.mkv", films / ".." / films.name / "00.mkv", films / "01.mkv"]
    names += [tmp_path / "link.mkv", tmp_path / "hard.mkv"]
    assert file_indices(names) == [0, 0, 0, 3, 3, 3]
    rows = [replace(row(), path=path, extra={"split": "train"}) for path in names]
    rows[1] = replace(rows[1], extra={"split": "train", "start": "0", "end": "2"})
    for entry in rows:
        entry.extra.setdefault("start", "")
        entry.extra.setdefault("end", "")
    selection = selected(rows)
    assert selection.train == (rows[0], rows[1], rows[3])
    assert selection.duplicates == 3


@pytest.mark.parametrize("other", ["00.mkv", "link.mkv", "hard.mkv"])
def test_a_file_in_two_of_the_used_splits_is_refused(films: Path, tmp_path: Path, other: str) -> None:
    (tmp_path / "link.mkv").symlink_to(films / "00.mkv")
    (tmp_path / "hard.mkv").hardlink_to(films / "00.mkv")
    path = films / other if other == "00.mkv" else tmp_path / other

    def rows(second: str, start: str = "", end: str = "") -> list[Entry]:
        first = replace(row(), path=films / "00.mkv", extra={"split": "train", "start": "0", "end": "1"})
        return [first, replace(row(), path=path, extra={"split": second, "start": start, "end": end})]

    for extra in (rows("val"), rows("Validation", "0.5", "2")):
        with pytest.raises(DataError, match=r"is in the splits 'train' and 'val'; assign it to one"):
            selected(extra)
    assert len(selected(rows("val", "1", "2")).held_out) == 1
    assert len(selected(rows("test")).train) == 1
    assert len(selected(rows("val"), Data(splits=("train", "val"), held_out="")).train) == 2


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


def test_many_rows_of_a_single_file_raise_an_error(films: Path, tmp_path: Path) -> None:
    recipe: Recipe = tiny()
    rows = "".join(f"00.mkv,{i / 2},{i / 2 + 0.5}\n" for i in range(8))
    (films / "one.csv").write_text(f"path,start,end\n{rows}")
    with pytest.raises(AvgdtError, match=r"one.csv: holds a single recording for training \(00.mkv\)"):
        pretrain(recipe, films / "one.csv", tmp_path / "run")


def test_segment_columns_may_have_other_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("path,Start_Time,end_time\na.mkv,0.5,1.5\n")
    (entry,) = read_manifest(tmp_path / "a.csv")
    assert segment_of(entry, ("start", "end")) == (0.5, 1.5)


def test_copies_of_a_file_are_the_same_recording_in_the_objective(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "own", 3)
    (folder / "copy.mkv").write_bytes((folder / "01.mkv").read_bytes())
    entries = list_recordings(folder, 1)
    names = [entry.path.name for entry in entries]
    numbers = dict(zip(names, recording_indices(entries), strict=True))
    assert numbers["copy.mkv"] == numbers["01.mkv"]
    assert len(set(numbers.values())) == 3


def copied(folder: Path, original: str, copy: str) -> None:
    (folder / copy).write_bytes((folder / original).read_bytes())


def test_a_copy_in_two_of_the_used_splits_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "own", 3)
    copied(folder, "00.mkv", "copy.mkv")

    def entries(split: str, start: str = "", end: str = "") -> list[Entry]:
        rows = ["00.mkv,train,0,0.7", "01.mkv,train,,", f"copy.mkv,{split},{start},{end}", "02.mkv,val,,"]
        return entries_of_list(folder, "\n".join(["path,split,start,end", *rows]))

    for refused in (entries("val"), entries("valid", "0.5", "1.5")):
        with pytest.raises(
            DataError,
            match=r"/00.mkv: has the same content as .*/copy.mkv and so is in the splits 'train' and 'val'; "
            "remove one of the two rows, or give both the same split",
        ):
            selected(refused)
    assert len(selected(entries("val", "0.7", "1.4")).held_out) == 2
    assert len(selected(entries("train")).train) == 3
    assert len(selected(entries("test")).train) == 2


def test_files_that_differ_only_in_the_middle_are_not_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, other = (bytearray(200_000), bytearray(200_000), bytearray(200_001))
    second[100_000] = 1
    rows = list[Entry]()
    for name, content in (("a", first), ("b", second), ("c", other)):
        (tmp_path / name).write_bytes(content)
        digest = fingerprint(tmp_path / name).content
        rows.append(replace(row(), path=tmp_path / name, content=digest, extra={"split": name}))
    assert rows[0].content == rows[1].content
    read = list[Path]()
    monkeypatch.setattr("avgdt.data.splits.whole_content", lambda path: read.append(path) or whole_content(path))
    check_no_leakage([SplitSpan(entry, entry.extra["split"], None) for entry in rows for _ in range(3)])
    assert sorted(read) == [tmp_path / "a", tmp_path / "b"]  # each file is read once, and only if the digests agree
    assert not SameRecording()(rows[0], rows[1])
    (tmp_path / "b").unlink()
    assert not SameRecording()(rows[0], rows[1])


def test_copies_are_held_out_together() -> None:
    rows = [replace(row(f"{i}.mp4"), content=str(i // 3)) for i in range(60)]
    selection = selected(rows, Data(held_out_at_most=100))
    assert len(selection.held_out) == 2 * 3
    assert not {entry.content for entry in selection.train} & {entry.content for entry in selection.held_out}
    alone = [replace(entry, content="") for entry in rows]
    assert [e.path for e in selected(alone).held_out] == [
        e.path for e in selected([replace(e, content=e.path.name) for e in alone]).held_out
    ]


def test_copies_of_a_single_file_raise_an_error(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "own", 1)
    for name in ("b.mkv", "c.mkv"):
        copied(folder, "00.mkv", name)
    with pytest.raises(AvgdtError, match=r"holds a single recording for training \(00.mkv\)"):
        pretrain(tiny(run=replace(tiny().run, batch=2)), folder, tmp_path / "run")


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
