"""Running the command line in a separate process."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from avgdt.training.metrics import read_metrics

AVGDT = (sys.executable, "-m", "avgdt")


def start(*arguments: object, cwd: Path | None = None, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start ``avgdt`` with ``arguments`` in its own process group; ``stdout`` and ``stderr`` are pipes."""
    return subprocess.Popen(
        [*prefix, *AVGDT, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


def finish_process(process: subprocess.Popen[str], seconds: float = 60.0) -> tuple[int, str]:
    """Wait for a process, check that it printed no traceback, and return its exit code and last message."""
    try:
        _, messages = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        raise
    assert "Traceback" not in messages, messages
    return process.returncode, (messages.splitlines() or [""])[-1]


def run(*arguments: object, cwd: Path | None = None) -> tuple[int, str]:
    """Run ``avgdt`` and return its exit code and its last message."""
    return finish_process(start(*arguments, cwd=cwd))


def run_suggestion(line: str, cwd: Path | None = None, after: str = "with: ", seconds: float = 60.0) -> tuple[int, str]:
    """Run the command at the end of a message in a shell; return its exit code and the last line of standard error."""
    command = line.partition(after)[2]
    assert shlex.split(command)[0] == sys.executable, line
    shell = subprocess.run(
        ["bash", "-c", command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert "Traceback" not in shell.stderr, shell.stderr
    return shell.returncode, (shell.stderr.splitlines() or [""])[-1]


def wait_for_step(out: Path, step: int, process: subprocess.Popen[str], seconds: float = 60.0) -> None:
    """Wait until the run in ``out`` has logged ``step``."""
    deadline = time.monotonic() + seconds
    while not any(line["step"] >= step for line in read_metrics(out / "metrics.jsonl")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """Return the ids of the child processes of a process."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
