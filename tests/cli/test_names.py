"""Tests of file and class names that contain brackets, colons, control characters or bytes that are not UTF-8."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avgdt.cli.main import main
from avgdt.data.selection import Skipped, read_skipped, write_skipped
from avgdt.recipes.config import write_yaml
from tests.helpers.folders import write_folder
from tests.helpers.media_files import evenly, write_media
from tests.helpers.recipes import tiny

BROKEN = "caf\udce9 [bold]:smile: [-dQw4w9WgXcQ].mp4"
PRINTED = "caf\ufffd [bold]:smile: [-dQw4w9WgXcQ].mp4"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_folder(tmp_path / "films", 12)
    (folder / BROKEN).write_text("no film")
    write_media(folder / "silent\udcff [x].mkv", evenly(12, 8), size=(24, 32))
    for i in range(12):
        (folder / f"{i:02d}.mkv").rename(folder / f"film\udcff [{i:02d}] [/red].mkv".replace("/", "-"))
    return folder


def test_skipped_files_are_listed_with_the_original_bytes_of_their_names(tmp_path: Path) -> None:
    rows = [Skipped(tmp_path / BROKEN, "Unreadable: why"), Skipped(Path('a, "b"\n.mp4'), "x")]
    write_skipped(rows, tmp_path / "skipped.csv")
    assert os.fsencode(BROKEN) in (tmp_path / "skipped.csv").read_bytes()
    assert read_skipped(tmp_path / "skipped.csv") == rows


def test_the_scan_table_prints_names_unchanged(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["scan", str(folder), "--out", str(tmp_path / "list [red].csv")]) == 0
    out = capsys.readouterr().out
    assert f"such as {PRINTED}: not a readable recording" in out
    assert f"wrote {tmp_path}/list [red].csv" in out


def test_every_command_accepts_unusual_file_names(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_yaml(tiny(), tmp_path / "tiny.yaml")
    out = tmp_path / "run [bold]x"
    command = ["pretrain", "--config", str(tmp_path / "tiny.yaml"), "--data", str(folder), "--out", str(out)]
    assert main(command) == 0
    assert f"wrote {out}/weights.safetensors" in capsys.readouterr().err
    reasons = {os.fsdecode(entry.path.name): entry.reason for entry in read_skipped(out / "skipped.csv")}
    assert set(reasons) == {BROKEN, "silent\udcff [x].mkv"}
    names = [os.fsencode(path.name) for path in sorted(folder.iterdir()) if path.name.startswith("film")]
    rows = [b"%s,[b]%d,%s" % (name, i % 2, b"test" if i > 8 else b"train") for i, name in enumerate(names)]
    labels = folder / "labels [1].csv"
    labels.write_bytes(b"\n".join([b"path,class [a],split", *rows]))
    options = ["--weights", str(out), "--data", str(labels), "--device", "cpu", "--label", "class [a]"]
    assert main(["evaluate", "knn", *options]) == 0
    text = capsys.readouterr().out
    assert "knn · class [a] · video" in text
    assert f"wrote {out}/results/knn.json" in text
    assert main(["report", str(out)]) == 0


def test_an_ascii_terminal_prints_escapes(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "avgdt", "scan", str(folder), "--out", str(tmp_path / "caf\udce9 \u2713.csv")]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert b"silent" not in done.stderr
    assert b"\\ufffd [bold]:smile:" in done.stdout
