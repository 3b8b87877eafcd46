"""Tests of reading and writing manifests, and of errors that name the line and the column."""

from __future__ import annotations

from pathlib import Path

import pytest

from avgdt.data.errors import ManifestError
from avgdt.data.manifest import Entry, read_manifest, write_manifest
from avgdt.media.recording import Info


def valid_entry(path: Path, **extra: str) -> Entry:
    info = Info(
        path=path,
        duration=3.25,
        has_video=True,
        has_audio=True,
        frame_rate=30000 / 1001,
        width=320,
        height=240,
        sample_rate=44100,
        channels=2,
        video_start=0.0,
        video_end=3.2,
        audio_start=0.0213,
        audio_end=3.25,
    )
    return Entry.of(info, extra)


def test_a_manifest_is_read_back_unchanged(tmp_path: Path) -> None:
    entries = [
        valid_entry(tmp_path / "a.mp4", label="dog, big", split="train"),
        valid_entry(tmp_path / "sub" / 'odd "name"\n.mp4', label="chat\u00e9"),
        valid_entry(Path("/elsewhere/b.mp4")),
        valid_entry(tmp_path / "not\udcff utf8.mp4"),
        Entry(path=tmp_path / "broken.mp4", error="Corrupt: none of its video can be decoded", extra={"label": "x"}),
    ]
    write_manifest(entries, tmp_path / "manifest.csv")
    read_back = read_manifest(tmp_path / "manifest.csv")
    assert [entry.path for entry in read_back] == [entry.path for entry in entries]
    for before, after in zip(entries, read_back, strict=True):
        for name in ("width", "height", "sample_rate", "has_video", "has_audio", "error", "duration", "video_end"):
            assert getattr(before, name) == getattr(after, name), name
        assert {"label": "", "split": "", **before.extra} == after.extra
    assert read_back[0].frame_rate == pytest.approx(30000 / 1001, abs=1e-5)
    assert read_back[4].scanned
    assert read_back[4].has_video is None


def test_a_manifest_remains_valid_if_its_folder_is_moved(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    write_manifest([valid_entry(tmp_path / "one" / "clips" / "a.mp4")], tmp_path / "one" / "manifest.csv")
    (tmp_path / "one").rename(tmp_path / "two")
    assert read_manifest(tmp_path / "two" / "manifest.csv")[0].path == tmp_path / "two" / "clips" / "a.mp4"


@pytest.mark.parametrize("column", ["path", "file"])
def test_a_list_of_paths_is_a_manifest(tmp_path: Path, column: str) -> None:
    (tmp_path / "m.csv").write_text(f"{column},label\na.mp4,dog\n\n/b/c.mp4,\n", encoding="utf-8-sig")
    first, second = read_manifest(tmp_path / "m.csv")
    assert (first.path, second.path) == (tmp_path / "a.mp4", Path("/b/c.mp4"))
    assert (first.extra, second.extra) == ({"label": "dog"}, {"label": ""})
    assert not first.scanned
    assert first.duration is first.has_audio is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("name,label\na,b\n", "line 1: no column `path`"),
        ("path,label,label\na,b,c\n", "line 1: the column `label` appears twice"),
        ("path,label\na.mp4\n", "line 2: 1 values for 2 columns"),
        ("path,label\na.mp4,b\n,c\n", "line 3, column `path`: empty"),
        ("path,duration\na.mp4,1\nb.mp4,long\n", "line 3, column `duration`: `long` is not a number"),
        ("path,video_end\na.mp4,nan\n", "line 2, column `video_end`: `nan` is not a number"),
        ("path,width\na.mp4,12.5\n", "line 2, column `width`: `12.5` is not a whole number"),
        ("path,has_audio\na.mp4,maybe\n", "line 2, column `has_audio`: `maybe` is not true or false"),
        ('path,label\n"a.mp4,b\n', "not CSV"),
    ],
)
def test_malformed_manifests_raise_errors(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(content)
    with pytest.raises(ManifestError) as raised:
        read_manifest(path)
    assert message in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_missing_manifest_raises_an_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(tmp_path / "none.csv")
