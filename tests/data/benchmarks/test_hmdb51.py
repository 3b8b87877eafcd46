from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from avgdt.data.benchmarks.hmdb51 import read_layout
from avgdt.data.errors import DataError
from tests.helpers.hmdb51 import CLASSES, write_hmdb51

LISTS = "testTrainMulti_7030_splits"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_hmdb51(tmp_path / "hmdb")


@pytest.mark.parametrize("subfolder", ["", "videos", "hmdb51_org"])
def test_the_official_layout_of_hmdb51_is_read(tmp_path: Path, subfolder: str) -> None:
    folder = write_hmdb51(tmp_path / "hmdb", subfolder=subfolder)
    for split in (1, 2, 3):
        layout = read_layout(folder, split)
        assert layout.unlisted == []  # videos outside the split do not count as unlisted
        assert all(entry.path.is_file() and not entry.error for entry in layout.entries)
        assert Counter(entry.extra["split"] for entry in layout.entries) == {"train": 6, "test": 3}
        test = [entry for entry in layout.entries if entry.extra["split"] == "test"]
        assert [entry.extra["label"] for entry in test] == list(CLASSES)
        assert {entry.extra["source"] for entry in layout.entries} == {"#4_Film_(2)"}
        assert all(entry.path.stem.endswith(f"_{split - 1}") for entry in test)


def test_missing_unlisted_and_reencoded_videos_are_recognised(folder: Path) -> None:
    for path in (folder / LISTS).glob("*_split3.txt"):
        path.unlink()  # belongs to another split
    missing, other, unused = sorted((folder / "wave").iterdir())[
        :3
    ]  # a training video, a test video, and one outside the split
    missing.rename(missing.with_name("more.avi"))
    unused.rename(unused.with_suffix(".webm"))
    other.rename(other.with_suffix(".mkv"))
    layout = read_layout(folder, 2)
    (lost,) = [entry for entry in layout.entries if entry.error]
    assert (lost.path, lost.error) == (missing, "in the lists of split 2, but not in hmdb/")
    assert other.with_suffix(".mkv") in [entry.path for entry in layout.entries]
    assert [path.name for path in layout.unlisted] == ["more.avi"]


def test_errors_in_the_lists_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=rf"{LISTS}: no such folder; --data takes HMDB51's folder .*test_train_splits.rar"
    ):
        read_layout(tmp_path, 1)
    with pytest.raises(DataError, match="split: 0 does not exist"):
        read_layout(folder, 0)
    path = folder / LISTS / "wave_test_split1.txt"
    right = path.read_text()
    first = right.split()[0]
    for line, message in (
        ("a.avi 3", "wave_test_split1.txt, line 5: 'a.avi 3' is not a video followed by 0, 1 or 2"),
        ("a.avi", "line 5: 'a.avi' is not a video followed by 0, 1 or 2"),
        (f"{first} 2", "line 5: wave/.*_0.avi is listed twice"),
        (f"{first} 1", "line 5: wave/.*_0.avi is listed in test and in train"),
    ):
        path.write_text(f"{right}{line}\n")
        with pytest.raises(DataError, match=message):
            read_layout(folder, 1)
    path.unlink()
    with pytest.raises(DataError, match=r"wave_test_split1.txt: does not exist; extract it from test_train_splits.rar"):
        read_layout(folder, 1)
    path.write_text(right)
    next((folder / "wave").glob("*_0.avi")).unlink()
    with pytest.raises(DataError, match="hmdb: class 'wave' has no video for test"):
        read_layout(folder, 1)
    for video in folder.glob("*/*.avi"):
        video.unlink()
    with pytest.raises(DataError, match="hmdb: contains none of the 9 videos of the lists of split 1"):
        read_layout(folder, 1)
    for lists in (folder / LISTS).iterdir():
        lists.unlink()
    with pytest.raises(DataError, match=r"contains no list such as brush_hair_test_split1.txt"):
        read_layout(folder, 1)


def test_class_folders_match_regardless_of_case(folder: Path) -> None:
    (folder / "wave").rename(folder / "Wave")
    layout = read_layout(folder, 1)
    assert layout.unlisted == []
    assert not any(entry.error for entry in layout.entries)
    assert {entry.extra["label"] for entry in layout.entries} == set(CLASSES)
