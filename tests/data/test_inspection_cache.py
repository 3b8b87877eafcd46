"""A file is inspected once, and again when it has changed; what was inspected outlives an interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.cli.main import main
from avgdt.data.manifest import Entry, read_manifest, write_manifest
from avgdt.data.scan import Counts, scan, scan_missing
from avgdt.data.selection import list_recordings
from tests.helpers.folders import write_folder
from tests.helpers.media_files import evenly, noise, write_media


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "films", 4)


def counted(entries: list[Entry], **options: object) -> tuple[list[Entry], Counts]:
    told: list[Counts] = []
    return scan_missing(entries, workers=1, on_counts=told.append, **options), told[0]  # type: ignore[arg-type]


def shorten(path: Path) -> None:
    write_media(path, evenly(6, 8), noise(0.75, 8000), size=(24, 32), sample_rate=8000)


def test_files_that_changed_since_are_inspected_again(folder: Path) -> None:
    entries = [replace(entry, extra={"label": entry.path.name}) for entry in scan(folder, workers=1)]
    write_manifest(entries, folder.parent / "list.csv")
    listed = read_manifest(folder.parent / "list.csv")
    shorten(folder / "01.mkv")
    later = listed[2].modified
    assert later is not None
    os.utime(folder / "02.mkv", ns=(later, later + 1))  # the same size
    (folder / "03.mkv").unlink()
    again, counts = counted(listed)
    assert counts == Counts(new=0, changed=3, unchanged=1)
    assert again[0] is listed[0]
    assert again[1].duration == pytest.approx(0.75, abs=0.1)
    assert again[2] == replace(listed[2], modified=later + 1, frame_rate=again[2].frame_rate)
    assert again[3].error.startswith("NotAFile")
    assert [entry.extra["label"] for entry in again] == [entry.extra["label"] for entry in entries]


def test_times_without_a_fingerprint_are_not_trusted(folder: Path) -> None:
    (entry, *_) = scan(folder, workers=1)
    old = replace(entry, duration=99.0, video_end=99.0, size=None, modified=None)
    (again,), counts = counted([old])
    assert again.video_end == entry.video_end
    assert counts == Counts(changed=1)


def test_what_a_list_says_of_files_stays(folder: Path) -> None:
    said = [
        Entry(folder / "00.mkv", error="not listed in train.csv"),
        Entry(folder / "none.mkv", error="in train.csv, but"),
    ]
    assert counted(said)[0] == said


def test_a_file_that_came_back_is_inspected(folder: Path) -> None:
    (folder / "00.mkv").rename(folder.parent / "away.mkv")
    (gone,), _ = counted([Entry(folder / "00.mkv")])
    assert gone.error.startswith("NotAFile")
    (folder.parent / "away.mkv").rename(folder / "00.mkv")
    (back,), _ = counted([gone])
    assert not back.error


def test_rows_of_one_file_are_inspected_once(folder: Path) -> None:
    rows = [Entry(folder / "00.mkv", extra={"start": str(i), "end": str(i + 1)}) for i in range(3)]
    found, counts = counted(rows)
    assert counts == Counts(new=1)
    assert [entry.extra["start"] for entry in found] == ["0", "1", "2"]
    assert all(entry.scanned for entry in found)


def test_an_interrupted_inspection_resumes_where_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    partial = folder.parent / "partial.csv"

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list_recordings(folder, 1, interrupt, partial=partial)
    kept = read_manifest(partial)
    assert 2 <= len(kept) < 4
    assert all(entry.scanned and not entry.error for entry in kept)
    told: list[Counts] = []
    entries = list_recordings(folder, 1, partial=partial, on_counts=told.append)
    assert told == [Counts(new=4 - len(kept), unchanged=len(kept))]
    assert [(entry.path.name, entry.error) for entry in entries] == [(f"0{i}.mkv", "") for i in range(4)]
    assert len(read_manifest(partial)) == 4


def test_what_was_inspected_is_written_now_and_then(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avgdt.data.scan.SAVE_SECONDS", -1.0)
    partial, sizes = folder.parent / "partial.csv", []
    scan(folder, workers=1, partial=partial, progress=lambda done, total: sizes.append(len(read_manifest(partial))))
    assert sizes == sorted(sizes)
    assert sizes[0] < 4


def test_a_second_scan_reuses_the_manifest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "m.csv"
    command = ["scan", str(folder), "--out", str(out), "--workers", "0"]
    assert main(command) == 0
    assert "4 files inspected, 0 unchanged" in capsys.readouterr().out
    entries = read_manifest(out)
    rows = [replace(entry, extra={"label": str(i)}) for i, entry in enumerate([*entries, entries[0]])]
    write_manifest(rows, out)
    shorten(folder / "01.mkv")
    write_media(folder / "04.mkv", evenly(6, 8), size=(24, 32))
    (folder / "03.mkv").unlink()
    assert main(command) == 0
    assert "2 files inspected (1 of them again), 2 unchanged" in capsys.readouterr().out
    found = [(entry.path.name, entry.extra["label"]) for entry in read_manifest(out)]
    assert found == [("00.mkv", "0"), ("00.mkv", "4"), ("01.mkv", "1"), ("02.mkv", "2"), ("04.mkv", "")]
    assert sorted(path.name for path in folder.iterdir()) == ["00.mkv", "01.mkv", "02.mkv", "04.mkv", "m.csv"]


SLOW = """
import sys, time
from avgdt.data import inspection as real
original = real.inspect
def inspect(path):
    time.sleep(0 if path.name < "02" else 60)
    return original(path)
real.inspect = inspect
real.serve()
"""


def test_ctrl_c_keeps_what_was_inspected_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    """The signal goes to the whole group of processes, as from a terminal."""
    out = tmp_path / "m.csv"
    program = (
        "import sys; from avgdt.data import inspection, scan; from avgdt.cli.main import main\n"
        "scan.SAVE_SECONDS = -1\n"
        f"inspection.COMMAND = (sys.executable, '-c', {SLOW!r})\n"
        f"sys.exit(main(['scan', {str(folder)!r}, '--out', {str(out)!r}, '--workers', '1']))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, process_group=0)
    partial = tmp_path / ".m.csv.partial"
    while not partial.exists():
        assert process.poll() is None
        time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)  # less than it takes to give up a file
    assert process.returncode == 130
    assert "resume with the same command" in errors
    kept = read_manifest(partial)
    assert 1 <= len(kept) <= 2
    assert not any(entry.error for entry in kept)
    assert not out.exists()
