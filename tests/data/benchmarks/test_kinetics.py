from __future__ import annotations

from pathlib import Path

import pytest

from avgdt.cli.main import main
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats
from avgdt.data.benchmarks.kinetics import read_layout
from avgdt.data.errors import DataError, ManifestError
from avgdt.data.manifest import read_manifest
from avgdt.data.selection import select
from avgdt.recipes.clip import Clip
from avgdt.recipes.recipe import Data
from tests.helpers.coloured_videos import write_coloured

CLIPS = {
    "train.csv": [("abseiling", "-abc_DEF012", 7, "train"), ("air drumming", "bcd_000001_", 300, "train")],
    "validate.csv": [("abseiling", "cdeFGHIJK-3", 0, "validate")],
}


def _write_list(path: Path, *more: str) -> Path:
    rows = [f"{label},{name},{start},{start + 10},{split}" for label, name, start, split in CLIPS[path.name]]
    path.write_text("\n".join(["label,youtube_id,time_start,time_end,split", *rows, *more]) + "\n")
    return path


@pytest.fixture
def lists(tmp_path: Path) -> list[Path]:
    return [_write_list(tmp_path / name) for name in CLIPS]


def _write_clips(folder: Path, place: str) -> Path:
    """Write every clip of ``CLIPS`` to ``place``, a pattern of folder names such as {label}/{name}."""
    for rows in CLIPS.values():
        for label, name, start, split in rows:
            names = {"label": label, "under_scored": label.replace(" ", "_"), "split": split}
            write_coloured(folder / place.format(**names) / f"{name}_{start:06d}_{start + 10:06d}.avi", 1, start, 25)
    return folder


@pytest.mark.parametrize("place", ["{label}", "train/{under_scored}", "{split}"])
def test_clips_are_found_by_their_names(tmp_path: Path, lists: list[Path], place: str) -> None:
    folder = _write_clips(tmp_path / "clips", place)
    layout = read_layout(folder, lists)
    assert [(e.path.stem, e.extra, e.error) for e in layout.entries] == [
        ("-abc_DEF012_000007_000017", {"split": "train", "label": "abseiling"}, ""),
        ("bcd_000001__000300_000310", {"split": "train", "label": "air drumming"}, ""),
        ("cdeFGHIJK-3_000000_000010", {"split": "val", "label": "abseiling"}, ""),
    ]
    assert all(entry.path.is_file() for entry in layout.entries)
    assert layout.unlisted == []


def test_missing_and_unlisted_clips_are_in_the_manifest(
    tmp_path: Path, lists: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _write_clips(tmp_path, "{label}")
    next(folder.glob("air drumming/*")).unlink()
    command = ["scan", str(folder), "--layout", "kinetics400", "--out", str(tmp_path / "manifest.csv")]
    assert main([*command, "--workers", "0", "--list", str(lists[0])]) == 0
    first, missing, other, more = read_manifest(tmp_path / "manifest.csv")
    assert (first.duration, first.error, first.extra["split"]) == (1.0, "", "train")
    assert (missing.error, missing.extra["label"]) == (f"in train.csv, but not in {folder.name}/", "air drumming")
    assert {other.path.name, more.path.name} == {"cdeFGHIJK-3_000000_000010.avi", "validate.csv"}
    assert other.error == more.error == "not listed in train.csv"
    output = " ".join(capsys.readouterr().out.split())
    for line in ("video only │ 1 file", "but not in", "not listed in train.csv │ 2 files, such as"):
        assert line in output
    entries = read_manifest(tmp_path / "manifest.csv")
    sight = Composition(Modality(("video",)), Repeats(2), partners="equal")
    collection = select(entries, Data(), sight, Clip(frames=4, frame_rate=8.0), tmp_path)
    assert ([*collection.train], collection.held_out, len(collection.skipped)) == ([first], (), 3)
    assert main([*command[:2], "--out", str(tmp_path / "m.csv"), "--list", str(lists[0])]) == 2
    assert "--list is only valid with --layout kinetics400" in capsys.readouterr().err


def test_errors_in_folders_and_lists_are_named(tmp_path: Path, lists: list[Path]) -> None:
    folder = _write_clips(tmp_path / "clips", "{label}")
    train = lists[0]
    with pytest.raises(DataError, match="none: no such folder"):
        read_layout(tmp_path / "none", lists)
    with pytest.raises(DataError, match="list: missing; give"):
        read_layout(folder, [])
    with pytest.raises(ManifestError, match=r"test.csv: cannot be read"):
        read_layout(folder, [tmp_path / "test.csv"])
    for line, message in (
        ("abseiling,x,1,11,", "train.csv, line 4, column `split`: missing or empty"),
        ("abseiling,x,one,11,train", "line 4: time_start 'one' and time_end '11' must be numbers of seconds"),
        ("abseiling,-abc_DEF012,7,17,train", r"line 4: -abc_DEF012_000007_000017 is already listed in .*train.csv"),
    ):
        _write_list(train, line)
        with pytest.raises(DataError, match=message):
            read_layout(folder, lists)
    _write_list(train)
    clip = next(folder.glob("air drumming/*"))
    (folder / "more").mkdir()
    (folder / "more" / clip.name).write_bytes(clip.read_bytes())
    with pytest.raises(DataError, match=r"the same clip as .*; move one of them away"):
        read_layout(folder, lists)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: contains none of the 2 clips of train.csv"):
        read_layout(tmp_path / "empty", lists)


def test_a_list_without_existing_clips_is_refused(tmp_path: Path, lists: list[Path]) -> None:
    folder = _write_clips(tmp_path / "clips", "{label}")
    next(folder.glob("abseiling/cde*")).unlink()
    with pytest.raises(DataError, match=r"clips: contains none of the 1 clips of validate.csv"):
        read_layout(folder, lists)
    assert len(read_layout(folder, lists[:1]).entries) == 2
    empty = tmp_path / "test.csv"
    empty.write_text("label,youtube_id,time_start,time_end,split\n")
    with pytest.raises(DataError, match=r"test.csv: lists no clips; use the lists as distributed"):
        read_layout(folder, [lists[0], empty])


def test_a_symbolic_link_to_a_parent_folder_is_not_followed(tmp_path: Path, lists: list[Path]) -> None:
    folder = _write_clips(tmp_path / "clips", "{label}")
    (folder / "abseiling" / "back").symlink_to(folder)
    layout = read_layout(folder, lists)
    assert not any(entry.error for entry in layout.entries)
    assert layout.unlisted == []


@pytest.mark.parametrize("named", ["{name}_{start:06d}_{end:06d}", "{name}_{start}_{end}", "{name}"])
@pytest.mark.parametrize("kind", ["distributed", "no times", "FILE LABEL", "FILE,LABEL with times"])
def test_other_formats_of_lists_and_file_names_are_read(
    tmp_path: Path, lists: list[Path], named: str, kind: str
) -> None:
    folder = tmp_path / "clips"
    rows = [row for rows in CLIPS.values() for row in rows]
    for label, name, start, _ in rows:
        write_coloured(folder / label / f"{named.format(name=name, start=start, end=start + 10)}.avi", 1, start, 25)
    if kind == "no times":
        for path in lists:
            lines = [f"{name},{split},{label}" for label, name, _, split in CLIPS[path.name]]
            path.write_text("\n".join(["video_id,split,label", *lines]))
    if kind.startswith("FILE"):
        lists = [tmp_path / "k400_train_list_videos.txt", tmp_path / "k400_val_list_videos.txt"]
        for path, own in zip(lists, CLIPS.values(), strict=True):
            form = "{}/{}.mp4 {}" if kind == "FILE LABEL" else "/data/{}/{}_000123_000133.mp4,{}"
            path.write_text("\n".join(form.format(label, name, i) for i, (label, name, _, _) in enumerate(own)))
    if kind == "FILE,LABEL with times" and named != "{name}":  # times in the list and in the file names differ
        with pytest.raises(DataError, match=r"such as -abc_DEF012_000123_000133\.mp4"):
            read_layout(folder, lists)
        return
    layout = read_layout(folder, lists)
    assert [(e.extra["label"], e.extra["split"]) for e in layout.entries] == [
        ("abseiling", "train"),
        ("air drumming", "train"),
        ("abseiling", "val"),
    ]
    assert [entry.path.stem.startswith(row[1]) for entry, row in zip(layout.entries, rows, strict=True)] == [True] * 3
    assert not any(entry.error for entry in layout.entries)


def test_two_clips_of_one_video_are_distinguished(tmp_path: Path, lists: list[Path]) -> None:
    folder = _write_clips(tmp_path / "clips", "{label}")
    _write_list(lists[0], "abseiling,-abc_DEF012,90,100,train")
    write_coloured(folder / "-abc_DEF012.mp4", 1, 1, 25)
    layout = read_layout(folder, lists)
    assert [bool(entry.error) for entry in layout.entries] == [False, False, True, False]
    assert [path.name for path in layout.unlisted] == ["-abc_DEF012.mp4"]


def test_missing_clips_and_unusable_lists_are_reported(tmp_path: Path, lists: list[Path]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"such as -abc_DEF012_000007_000017\.mp4"):
        read_layout(tmp_path / "empty", lists)
    words = tmp_path / "words.csv"
    words.write_text("some words\nno list\n")
    with pytest.raises(ManifestError, match=r"line 1: no column `youtube_id` or .* among some words"):
        read_layout(tmp_path / "empty", [words])
    words.write_text("a.mp4 3\n")
    with pytest.raises(DataError, match=r"words.csv: unknown split"):
        read_layout(tmp_path / "empty", [words])
