"""Tests of a disk that is full when a run writes any of its files: the error message and the command to resume."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from avgdt.recipes.config import write_yaml
from tests.helpers.command import finish_process, start
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny


@pytest.mark.parametrize(
    ("kilobytes", "file", "remedy"),
    [
        (4, "config.yaml", "free some disk space and start the command again"),
        (8, "manifest.csv", "--config runs/a/config.yaml --data films --out runs/a"),
        (32, "metrics.jsonl", "restart with: "),
        (400, "checkpoints/last.pt", "restart with: "),
    ],
)
def test_a_full_disk_is_reported_in_one_line(kilobytes: int, file: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    mounted = (
        "unshare",
        "-m",
        "sh",
        "-c",
        f'mount -t tmpfs -o size={kilobytes}k tmpfs {tmp_path}/runs && exec "$@"',
        "sh",
    )
    if subprocess.run([*mounted, "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not permitted")
    write_yaml(tiny(), tmp_path / "tiny.yaml")
    write_folder(tmp_path / "films", 9)
    # The shell starts in a working directory outside the mount.
    arguments = ["--config", "tiny.yaml", "--data", "films", "--out", "runs/a", "--schedule.epochs", "40"]
    code, line = finish_process(start("pretrain", *arguments, cwd=tmp_path, prefix=mounted))
    assert code == 2
    assert line.startswith(
        f"avgdt: runs/a/{file}: could not be written (No space left on device); free some disk space"
    )
    assert remedy in line
    assert line.count("with: ") <= 1
