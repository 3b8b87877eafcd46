from __future__ import annotations

from pathlib import Path

import pytest

from avgdt.data.benchmarks.dcase2014 import CLASSES, read_layout
from avgdt.data.errors import DataError
from tests.helpers.dcase2014 import write_dcase2014


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dcase2014(tmp_path / "dcase", seconds=0.1)


def test_the_official_layout_of_dcase2014_is_read(folder: Path) -> None:
    (folder / "scenes_stereo" / "notes.txt").write_text("x")
    (folder / "scenes_stereo" / "beach01.wav").write_text("x")
    (folder / "scenes_stereo_testset").rename(folder / "inner")
    (folder / "scenes_stereo_testset").mkdir()
    (folder / "inner").rename(folder / "scenes_stereo_testset" / "scenes_stereo_testset")
    layout = read_layout(folder)
    assert [(e.path.name, e.extra["label"]) for e in layout.entries if e.extra["split"] == "test"] == [
        (f"{label}{number:02d}.wav", label) for label in CLASSES for number in (2, 10)
    ]
    assert len(layout.entries) == 30 + 20
    assert all(entry.path.is_file() for entry in layout.entries)
    assert [path.name for path in layout.unlisted] == ["beach01.wav", "notes.txt"]


def test_missing_files_are_named(folder: Path, tmp_path: Path) -> None:
    for path in (folder / "scenes_stereo").glob("tube0*"):
        path.unlink()
    with pytest.raises(DataError, match="dcase: class 'tube' has no recording for train; the data is incomplete"):
        read_layout(folder)
    for path in folder.glob("*/tube0*"):
        path.unlink()
    with pytest.raises(DataError, match="dcase: class 'tube' has no recording for train; the data is incomplete"):
        read_layout(folder)
    (folder / "scenes_stereo" / "bus01.ogg").write_text("x")
    with pytest.raises(DataError, match=r"bus01\.wav: the same recording as bus01.ogg; delete one of them"):
        read_layout(folder)
    for path in folder.glob("*/*"):
        path.unlink()
    with pytest.raises(DataError, match=r"scenes_stereo_testset is named like bus01.wav"):
        read_layout(folder)
    (folder / "scenes_stereo_testset").rmdir()
    with pytest.raises(DataError, match="scenes_stereo_testset: no such folder; --data takes the parent of"):
        read_layout(folder)
