"""Test of a short fuzzer run: damaged files must give correct clips or typed errors, without a crash or a hang."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_damaged_files_give_right_clips_or_typed_errors() -> None:
    command = [
        sys.executable,
        "benchmarks/fuzz.py",
        "--mutations",
        "40",
        "--files",
        "2",
        "--seed",
        "3",
        "--seconds",
        "1.2",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    counts = {name: int(count) for count, name in (line.strip().split("  ", 1) for line in run.stdout.splitlines())}
    assert counts["right"] >= 10
    assert (counts["wrong"], counts["crash"], counts["hang"]) == (0, 0, 0)
