from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from avgdt.data.benchmarks.ucf101 import read_layout
from avgdt.data.errors import DataError
from avgdt.data.scan import scan_missing
from tests.helpers.ucf101 import CLASSES, write_ucf101


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_ucf101(tmp_path / "ucf", a_group=1)


@pytest.mark.parametrize("subfolder", ["UCF-101", "videos", ""])
def test_the_official_layout_of_ucf101_is_read(tmp_path: Path, subfolder: str) -> None:
    folder = write_ucf101(tmp_path / "ucf", subfolder=subfolder, a_group=1)
    for split, tested in ((1, "g01"), (2, "g02"), (3, "g08")):
        layout = read_layout(folder, split)
        assert layout.unlisted == []
        assert all(entry.path.is_file() and not entry.error for entry in layout.entries)
        test = [entry for entry in layout.entries if entry.extra["split"] == "test"]
        assert [entry.extra["label"] for entry in test] == list(CLASSES)
        assert all(tested in entry.path.name for entry in test)
        assert Counter(entry.extra["split"] for entry in layout.entries) == {"train": 9, "test": 3}
        assert all(entry.path.parent.name == entry.extra["label"] for entry in layout.entries)
    first = scan_missing(layout.entries[:1], workers=1)[0]
    assert (first.width, first.height) == (48, 32)
    source = "ApplyEyeMakeup/v_ApplyEyeMakeup_g01"
    assert first.extra == {"split": "train", "label": "ApplyEyeMakeup", "source": source}


def test_missing_unlisted_and_reencoded_videos_are_recognised(folder: Path) -> None:
    (folder / "ucfTrainTestlist" / "trainlist02.txt").unlink()  # a list of another split
    missing, other = sorted((folder / "UCF-101" / "YoYo").iterdir())[1:3]
    missing.unlink()
    other.rename(other.with_suffix(".mp4"))
    (folder / "UCF-101" / "YoYo" / "more.avi").write_text("x")
    layout = read_layout(folder, 1)
    (lost,) = [entry for entry in layout.entries if entry.error]
    assert (lost.path, lost.error) == (missing, "in the lists of split 1, but not in UCF-101/")
    assert other.with_suffix(".mp4") in [entry.path for entry in layout.entries]
    assert [path.name for path in layout.unlisted] == ["more.avi"]


def test_missing_folders_and_lists_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"ucfTrainTestlist: no such folder; --data takes UCF101's folder .*RecognitionTask"
    ):
        read_layout(tmp_path, 1)
    with pytest.raises(DataError, match=r"split: 4 does not exist; use 1, 2 or 3"):
        read_layout(folder, 4)
    (folder / "ucfTrainTestlist" / "testlist03.txt").unlink()
    with pytest.raises(
        DataError, match=r"testlist03.txt: does not exist; extract it from UCF101TrainTestSplits-Recognit"
    ):
        read_layout(folder, 3)


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("trainlist01.txt", "Yo/v_Yo_g01_c01.avi 3", "trainlist01.txt, line 10: class 'Yo' is not in classInd.txt"),
        ("trainlist01.txt", "YoYo/a.avi 2", "line 10: class 'YoYo' has number 2, but 3 in classInd.txt"),
        ("trainlist01.txt", "a.avi 2", "line 10: 'a.avi 2' is not CLASS/VIDEO"),
        ("testlist01.txt", "YoYo/v_YoYo_g02_c01.avi", "testlist01.txt, line 4: .* is listed in train and in test"),
        ("testlist01.txt", "YoYo/v_YoYo_g01_c01.avi", "testlist01.txt, line 4: .* is listed twice"),
        ("classInd.txt", "Four", "classInd.txt, line 4: 'Four' is not a number followed by a class"),
        ("classInd.txt", "4 YoYo", "classInd.txt, line 4: class 'YoYo' or number 4 is listed twice"),
        ("classInd.txt", "4 Archery", "class 'Archery' has no video for train; the data is incomplete"),
    ],
)
def test_errors_in_the_lists_are_named(folder: Path, file: str, line: str, message: str) -> None:
    with (folder / "ucfTrainTestlist" / file).open("a") as stream:
        stream.write(f"{line}\n")
    with pytest.raises(DataError, match=message):
        read_layout(folder, 1)


def test_missing_videos_are_named(folder: Path) -> None:
    for path in (folder / "UCF-101" / "YoYo").glob("*_g01_*"):
        path.unlink()
    with pytest.raises(DataError, match="UCF-101: class 'YoYo' has no video for test; the data is incomplete"):
        read_layout(folder, 1)
    for path in (folder / "UCF-101").glob("*/*"):
        path.unlink()
    with pytest.raises(DataError, match="UCF-101: contains none of the 12 videos of the lists of split 2"):
        read_layout(folder, 2)


@pytest.mark.parametrize("part", ["folder", "files", "folder and files", "trainlist", "classInd", "some files"])
def test_class_folders_match_regardless_of_case(folder: Path, part: str) -> None:
    """The class is called HandStandPushups in some copies of UCF101 and HandstandPushups in others."""
    home, lists = folder / "UCF-101" / "HandstandPushups", folder / "ucfTrainTestlist"
    expected = read_layout(folder, 1)
    names = [path.name for path in sorted(home.iterdir())]
    if "files" in part:
        for name in names[: 2 if part == "some files" else None]:
            (home / name).rename(home / name.replace("Handstand", "HandStand"))
    if "folder" in part:
        home.rename(home.with_name("HandStandPushups"))
    if part == "trainlist":
        path = lists / "trainlist01.txt"
        path.write_bytes(path.read_bytes().replace(b"Handstand", b"HandStand"))
    if part == "classInd":
        path = lists / "classInd.txt"
        path.write_bytes(path.read_bytes().replace(b"Handstand", b"HandStand"))
    layout = read_layout(folder, 1)
    assert layout.unlisted == []
    assert not any(entry.error for entry in layout.entries)
    assert [entry.path.name.lower() for entry in layout.entries] == [e.path.name.lower() for e in expected.entries]
    assert {entry.extra["label"].lower() for entry in layout.entries} == {name.lower() for name in CLASSES}
    assert len({entry.extra["label"] for entry in layout.entries}) == len(CLASSES)
