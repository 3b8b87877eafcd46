from __future__ import annotations

from pathlib import Path

import pytest

from avgdt.data.benchmarks.esc50 import read_layout
from avgdt.data.errors import DataError, ManifestError
from tests.helpers.esc50 import read_list, write_esc50, write_list


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_esc50(tmp_path / "esc", seconds=0.2, per_class=1)


def test_all_of_esc50_or_only_esc10_is_read_from_the_official_layout(folder: Path) -> None:
    whole, ten = read_layout(folder, esc10=False), read_layout(folder, esc10=True)
    assert [entry.path.name for entry in whole.entries] == [row[0] for row in read_list(folder)]
    assert all(entry.path.is_file() and not entry.error for entry in whole.entries)
    assert {entry.path.suffix for entry in whole.entries} == {".wav", ".flac", ".ogg"}
    assert [(e.extra["fold"], e.extra["category"]) for e in ten.entries] == [
        (fold, category) for fold in "123" for category in ("dog", "rain")
    ]
    assert whole.unlisted == ten.unlisted == []


def test_missing_and_unlisted_files_raise_errors(folder: Path) -> None:
    first, second = sorted((folder / "audio").iterdir())[:2]
    first.unlink()
    second.rename(second.with_suffix(".wav"))  # the same recording with another file name suffix
    (folder / "audio" / "notes.txt").write_text("x")
    layout = read_layout(folder, esc10=True)
    assert [(e.path.name, bool(e.error)) for e in layout.entries[:2]] == [
        (first.name, True),
        (second.with_suffix(".wav").name, False),
    ]
    assert "not in audio/" in layout.entries[0].error
    assert [path.name for path in layout.unlisted] == ["notes.txt"]


def test_errors_in_the_list_are_named(folder: Path, tmp_path: Path) -> None:
    rows = read_list(folder)
    with pytest.raises(DataError, match=r"meta/esc50.csv: does not exist; --data takes"):
        read_layout(tmp_path, esc10=False)
    for column, value, message in (
        (1, "2", r"line 2: 1-1000-A-0.wav belongs to fold 1 by its name, but is listed in fold 2"),
        (1, "", r"line 2, column `fold`: missing or empty"),
        (1, "6", r"line 2: 1-1000-A-0.wav is in fold '6'; the folds are 1, 2, 3, 4, 5"),
        (3, " ", r"line 2, column `category`: missing or empty"),
        (0, rows[1][0], r"line 3: 1-1001-A-1.flac is listed twice"),
    ):
        changed = [list(row) for row in rows]
        changed[0][column] = value
        write_list(folder, changed)
        with pytest.raises(DataError, match=message):
            read_layout(folder, esc10=False)
    (folder / "meta" / "esc50.csv").write_text("name,fold\na.wav,1\n")
    with pytest.raises(ManifestError, match="no column `filename` among name, fold"):
        read_layout(folder, esc10=False)
    write_list(folder, rows)
    for path in (folder / "audio").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="none of the 6 recordings"):
        read_layout(folder, esc10=True)
    write_list(folder, [[*row[:-3], "False", *row[-2:]] for row in rows])
    with pytest.raises(DataError, match="lists no recordings"):
        read_layout(folder, esc10=True)
    (folder / "audio").rmdir()
    (folder / "audio").touch()
    with pytest.raises(DataError, match="audio: does not exist"):
        read_layout(folder, esc10=True)
