"""Tests of the inspection cache: results are reused until the file changes, even after an interruption."""

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
    reported: list[Counts] = []
    return scan_missing(entries, workers=1, on_counts=reported.append, **options), reported[0]  # type: ignore[arg-type]


def shorten(path: Path) -> None:
    write_media(path, evenly(6, 8), noise(0.75, 8000), size=(24, 32), sample_rate=8000)


def test_changed_files_are_inspected_again(folder: Path) -> None:
    entries = [replace(entry, extra={"label": entry.path.name}) for entry in scan(folder, workers=1)]
    write_manifest(entries, folder.parent / "list.csv")
    listed = read_manifest(folder.parent / "list.csv")
    shorten(folder / "01.mkv")
    later = listed[2].modified
    assert later is not None
    os.utime(folder / "02.mkv", ns=(later, later + 1))  # with the size unchanged
    (folder / "03.mkv").unlink()
    inspected_again, counts = counted(listed)
    assert counts == Counts(new=0, changed=3, unchanged=1)
    assert inspected_again[0] is listed[0]
    assert inspected_again[1].duration == pytest.approx(0.75, abs=0.1)
    assert inspected_again[2] == replace(listed[2], modified=later + 1, frame_rate=inspected_again[2].frame_rate)
    assert inspected_again[3].error.startswith("NotAFile")
    assert [entry.extra["label"] for entry in inspected_again] == [entry.extra["label"] for entry in entries]


def test_entries_without_a_fingerprint_are_inspected_again(folder: Path) -> None:
    (entry, *_) = scan(folder, workers=1)
    old = replace(entry, duration=99.0, video_end=99.0, size=None, modified=None)
    (inspected_again,), counts = counted([old])
    assert inspected_again.video_end == entry.video_end
    assert counts == Counts(changed=1)


def test_errors_given_by_a_list_are_kept(folder: Path) -> None:
    entries = [
        Entry(folder / "00.mkv", error="not listed in train.csv"),
        Entry(folder / "none.mkv", error="in train.csv, but"),
    ]
    assert counted(entries)[0] == entries


def test_a_file_that_was_missing_before_is_inspected(folder: Path) -> None:
    (folder / "00.mkv").rename(folder.parent / "away.mkv")
    (gone,), _ = counted([Entry(folder / "00.mkv")])
    assert gone.error.startswith("NotAFile")
    (folder.parent / "away.mkv").rename(folder / "00.mkv")
    (back,), _ = counted([gone])
    assert not back.error


def test_a_file_of_several_rows_is_inspected_once(folder: Path) -> None:
    rows = [Entry(folder / "00.mkv", extra={"start": str(i), "end": str(i + 1)}) for i in range(3)]
    entries, counts = counted(rows)
    assert counts == Counts(new=1)
    assert [entry.extra["start"] for entry in entries] == ["0", "1", "2"]
    assert all(entry.scanned for entry in entries)


def test_an_interrupted_inspection_resumes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    partial = folder.parent / "partial.csv"

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list_recordings(folder, 1, interrupt, partial=partial)
    saved = read_manifest(partial)
    assert 2 <= len(saved) < 4
    assert all(entry.scanned and not entry.error for entry in saved)
    reported: list[Counts] = []
    entries = list_recordings(folder, 1, partial=partial, on_counts=reported.append)
    assert reported == [Counts(new=4 - len(saved), unchanged=len(saved))]
    assert [(entry.path.name, entry.error) for entry in entries] == [(f"0{i}.mkv", "") for i in range(4)]
    assert len(read_manifest(partial)) == 4


def test_an_inspection_that_timed_out_is_repeated(folder: Path, tmp_path: Path) -> None:
    partial, files = tmp_path / "partial.csv", [Entry(path) for path in sorted(folder.iterdir())]
    results = scan_missing(files, workers=1, partial=partial)
    reasons = ["", "TimedOut: decoding did not end within 30 s", "Crashed: by SIGKILL", "Corrupt: damaged"]
    failed = [replace(entry, error=reason) for entry, reason in zip(results, reasons, strict=True)]
    write_manifest(failed, partial)
    again, counts = counted(files, partial=partial)
    assert counts == Counts(new=2, unchanged=2)
    assert [entry.error for entry in again] == ["", "", "", "Corrupt: damaged"]


def test_inspection_results_are_saved_periodically(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avgdt.data.inspection_cache.SAVE_SECONDS", -1.0)
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
    rows_of_manifest = [(entry.path.name, entry.extra["label"]) for entry in read_manifest(out)]
    assert rows_of_manifest == [("00.mkv", "0"), ("00.mkv", "4"), ("01.mkv", "1"), ("02.mkv", "2"), ("04.mkv", "")]
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


def test_ctrl_c_keeps_the_results_of_the_inspection_so_far(folder: Path, tmp_path: Path) -> None:
    """SIGINT is sent to the process group, as by Ctrl-C in a terminal; results of completed inspections are kept."""
    out = tmp_path / "m.csv"
    program = (
        "import sys; from avgdt.data import inspection, inspection_cache; from avgdt.cli.main import main\n"
        "inspection_cache.SAVE_SECONDS = -1\n"
        f"inspection.COMMAND = (sys.executable, '-c', {SLOW!r})\n"
        f"sys.exit(main(['scan', {str(folder)!r}, '--out', {str(out)!r}, '--workers', '1']))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, process_group=0)
    partial = tmp_path / ".m.csv.partial"
    while not partial.exists():
        assert process.poll() is None
        time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)  # shorter than the time limit for inspecting one file
    assert process.returncode == 130
    assert "resume with the same command" in errors
    saved = read_manifest(partial)
    assert 1 <= len(saved) <= 2
    assert not any(entry.error for entry in saved)
    assert not out.exists()
