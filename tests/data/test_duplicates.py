"""Tests of recordings that are listed more than once: rows of one file, links and copies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.data.errors import DataError
from avgdt.data.fingerprint import fingerprint, whole_content
from avgdt.data.manifest import Entry
from avgdt.data.selection import list_recordings
from avgdt.data.splits import SameRecording, SplitSpan, check_no_leakage, file_indices, recording_indices
from avgdt.errors import AvgdtError
from avgdt.recipes.recipe import Data, Recipe
from avgdt.training.pretrain import pretrain
from tests.evaluation.rows import row
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny
from tests.helpers.selections import entries_of_list, selected


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


def test_many_rows_of_a_single_file_raise_an_error(films: Path, tmp_path: Path) -> None:
    recipe: Recipe = tiny()
    rows = "".join(f"00.mkv,{i / 2},{i / 2 + 0.5}\n" for i in range(8))
    (films / "one.csv").write_text(f"path,start,end\n{rows}")
    with pytest.raises(AvgdtError, match=r"one.csv: holds a single recording for training \(00.mkv\)"):
        pretrain(recipe, films / "one.csv", tmp_path / "run")


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
