"""Tests of ``avgdt scan``, which inspects and lists every file of a folder in bounded time."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.data import inspection as module
from avgdt.data.inspection import from_json, inspect, to_json
from avgdt.data.manifest import Entry, read_manifest, write_manifest
from avgdt.data.scan import scan, scan_missing
from avgdt.data.scan_summary import summary
from avgdt.media.errors import NotAFile
from avgdt.processes import STOPPING
from tests.helpers.media_files import evenly, noise, write_media, write_wav

STAND_IN = """
import os, sys, time, json
from pathlib import Path
from avgdt.data import inspection as real
original = real.inspect
def inspect(path):
    if path.name == "hangs": time.sleep(60)
    if path.name == "crashes": os.abort()
    if path.name == "exits": os._exit(3)
    if path.name == "recovers" and not (seen := path.parents[1] / "seen").exists(): seen.touch(); os.abort()
    if path.name == "talks": os.write(1, b"not an answer\\n"); print("neither")
    return original(path)
real.inspect = inspect
real.serve()
"""


def test_ctrl_c_during_the_start_of_a_thread_leaves_no_thread_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [write_wav(tmp_path / f"{i}.wav", noise(0.2, 8000), 8000) for i in range(3)]
    started = list[threading.Thread]()
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        """Start the thread and raise before the pool has registered it."""
        start(thread)
        if thread.name.startswith("ThreadPoolExecutor"):
            started.append(thread)
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt) as stop:
        scan_missing([Entry(file) for file in files], workers=2)
    assert len(started) == 1
    started[0].join(10)
    assert not started[0].is_alive()
    assert stop.tb is not None  # like the handler of Ctrl-C, the test still refers to the frames of the scan


def test_signals_to_the_inspection_processes_are_harmless(tmp_path: Path) -> None:
    for i in range(12):
        write_media(tmp_path / f"{i:02d}.mkv", evenly(12, 8), noise(1.5, 8000), size=(24, 32), sample_rate=8000)

    disturbed = set[int]()

    def disturb(done: int, total: int) -> None:
        """Send the signals that a scheduler sends to all processes of a job."""
        for children in Path("/proc/self/task").glob("*/children"):
            with suppress(FileNotFoundError):  # the thread or process has ended in the meantime
                for pid in map(int, children.read_text().split()):
                    if "avgdt.data.inspection" in Path(f"/proc/{pid}/cmdline").read_text():
                        for number in STOPPING:
                            os.kill(pid, number)
                        disturbed.add(pid)

    entries = scan(tmp_path, workers=2, progress=disturb)
    assert disturbed
    assert [(entry.path.name, entry.error) for entry in entries] == [(f"{i:02d}.mkv", "") for i in range(12)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    write_media(folder / "both.mp4", evenly(50), noise(2.5, 16000, 2), size=(48, 80))
    write_media(folder / "sub" / "picture.webm", evenly(25), video_codec="libvpx")
    write_wav(folder / "sound.wav", noise(1, 22050), 22050)
    (folder / "lying.txt").write_bytes((folder / "both.mp4").read_bytes())
    (folder / "notes.txt").write_text("no recording\n" * 100)
    (folder / "empty.mp4").touch()
    cut = (folder / "both.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(cut[: len(cut) // 2])
    return folder


def test_every_file_is_listed(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "gone.mp4").symlink_to(folder / "nowhere")
    (folder / "sub" / "loop").symlink_to(folder)
    seen = []
    entries = scan(folder, workers=2, progress=lambda done, total: seen.append((done, total)))
    by_name = {str(entry.path.relative_to(folder)): entry for entry in entries}
    assert list(by_name) == sorted(by_name)
    assert {name: entry.error.partition(":")[0] for name, entry in by_name.items()} == {
        "both.mp4": "",
        "cut.mp4": "Unreadable",
        "empty.mp4": "Unreadable",
        "gone.mp4": "NotAFile",
        "lying.txt": "",
        "notes.txt": "Unreadable",
        "pipe": "NotAFile",
        "sound.wav": "",
        "sub/picture.webm": "",
    }
    assert seen == [(i, 9) for i in range(1, 10)]
    both = by_name["both.mp4"]
    assert (both.width, both.height, both.sample_rate, both.frame_rate) == (80, 48, 16000, 25)
    assert (both.has_video, both.has_audio) == (True, True)
    assert both.duration == pytest.approx(2.5)
    assert both.video_end == pytest.approx(2.0)
    assert (by_name["sub/picture.webm"].has_video, by_name["sub/picture.webm"].has_audio) == (
        True,
        False,
    )
    assert (by_name["sound.wav"].has_video, by_name["sound.wav"].has_audio) == (False, True)
    assert by_name["sound.wav"].duration == pytest.approx(1.0)
    assert replace(by_name["lying.txt"], path=both.path, modified=both.modified) == both


def test_the_manifest_in_the_scanned_folder_can_be_excluded(folder: Path) -> None:
    out = folder / "manifest.csv"
    entries = scan(folder, workers=1, exclude=(out,))
    write_manifest(entries, out)
    assert scan(folder, workers=1, exclude=(out,)) == entries
    assert [entry.path for entry in read_manifest(out)] == [entry.path for entry in entries]


def test_a_missing_folder_raises_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotAFile, match="no such folder"):
        scan(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert scan(tmp_path / "empty") == []


def test_a_crash_or_hang_of_the_decoder_is_an_error_of_one_row(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("hangs", "crashes", "exits", "recovers", "talks"):
        (folder / name).write_bytes((folder / "both.mp4").read_bytes())
    monkeypatch.setattr(module, "COMMAND", (sys.executable, "-c", STAND_IN))
    begin = time.monotonic()
    entries = {entry.path.name: entry for entry in scan(folder, workers=1, seconds=4)}
    assert time.monotonic() - begin < 25
    assert entries["hangs"].error == "TimedOut: decoding did not end within 4 s"
    assert entries["crashes"].error == "Crashed: the decoder's process ended with SIGABRT"
    assert entries["exits"].error == "Crashed: the decoder's process ended with exit code 3"
    assert not any(entries[name].error for name in ("both.mp4", "lying.txt", "sound.wav", "recovers", "talks"))
    assert len(entries) == 12


def test_only_entries_without_inspection_results_are_scanned(folder: Path) -> None:
    waveform: dict[str, object] = {"has_video": False, "has_audio": True, "audio_start": 0.0, "audio_end": 5.0}
    state = (folder / "cut.mp4").stat()
    waveform |= {"size": state.st_size, "modified": state.st_mtime_ns}
    known = Entry(path=folder / "cut.mp4", duration=5.0, extra={"label": "a"}, **waveform)  # type: ignore[arg-type]
    entries = [
        known,
        Entry(path=folder / "both.mp4", extra={"label": "b"}),
        Entry(path=folder / "no such.mp4", extra={"label": "c"}),
        Entry(path=folder / "both.mp4", extra={"label": "d"}),
    ]
    filled = scan_missing(entries, workers=1)
    assert filled[0] is known
    assert [entry.extra["label"] for entry in filled] == ["a", "b", "c", "d"]
    assert filled[1].duration == filled[3].duration == pytest.approx(2.5)
    assert filled[2].error.startswith("NotAFile")


def test_a_truncated_file_has_earlier_end_times(tmp_path: Path) -> None:
    intact = write_media(tmp_path / "a.mp4", evenly(100), noise(4, 16000), container_options={"movflags": "faststart"})
    path = tmp_path / "cut.mp4"
    path.write_bytes(intact.read_bytes()[: int(intact.stat().st_size * 0.6)])
    entry = inspect(path)
    assert entry.error == ""
    assert 1.0 < entry.video_end < 3.6
    assert 1.0 < entry.audio_end < 3.6
    assert inspect(intact).video_end == pytest.approx(4.0)
    assert inspect(intact).audio_end == pytest.approx(4.0)


def test_a_recording_with_one_unreadable_stream_is_listed_with_a_note(tmp_path: Path) -> None:
    intact = write_media(tmp_path / "a.mkv", evenly(25), noise(1, 16000), audio_codec="pcm_s16le")
    data = intact.read_bytes()
    assert data.count(b"V_MPEG4/ISO/AVC") == 1
    path = tmp_path / "half.mkv"
    path.write_bytes(data.replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XXX"))
    entry = inspect(path)
    assert (entry.error, entry.has_video, entry.has_audio) == ("", False, True)
    assert entry.extra["note"].startswith("Unsupported: ")


def test_an_entry_is_read_back_from_json_unchanged(tmp_path: Path) -> None:
    entry = Entry(path=tmp_path / "not\udcff\nutf8.mp4", duration=0.1 + 0.2, has_audio=False, extra={"note": "\u00e9"})
    line = to_json(entry)
    assert line.isascii()
    assert "\n" not in line
    assert from_json(line) == entry


def test_the_counts_of_the_summary_add_up() -> None:
    def entry(name: str, **values: object) -> Entry:
        times = (
            dict.fromkeys(("video_start", "video_end", "audio_start", "audio_end"), 1.0) if "duration" in values else {}
        )
        return Entry(path=Path(name), **times, **values)  # type: ignore[arg-type]

    rows = summary(
        [
            entry("a", duration=1800.0, has_video=True, has_audio=True),
            entry("b", error="Corrupt: x"),
            entry("c", duration=1800.0, has_video=True, has_audio=True),
            entry("d", duration=36.0, has_video=False, has_audio=True),
            entry("e", error="Corrupt: y"),
            entry("f", error="Encrypted: z"),
            entry("g"),
        ]
    )
    assert rows == [
        ("video and audio", "2 files, 1.0 h"),
        ("audio only", "1 file, 0.6 min"),
        ("not scanned", "1 file, 0.0 min"),
        ("Corrupt", "2 files, such as b: x"),
        ("Encrypted", "1 file, such as f: z"),
        ("all", "7 files, 1.0 h"),
    ]


@pytest.mark.parametrize("cells", [{"duration": 9.0}, {"duration": 9.0, "has_video": True, "has_audio": True}])
def test_a_list_with_incomplete_columns_is_scanned(folder: Path, cells: dict[str, object]) -> None:
    (entry,) = scan_missing([Entry(path=folder / "both.mp4", extra={"label": "a"}, **cells)], workers=1)  # type: ignore[arg-type]
    assert entry.scanned
    assert entry.duration == pytest.approx(2.5)
    assert (entry.has_video, entry.has_audio, entry.extra) == (True, True, {"label": "a"})
