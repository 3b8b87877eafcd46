"""The real command line in a process of its own."""

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
    """Begin ``avgdt`` with ``arguments`` in a process group of its own; its messages can be read from ``stderr``."""
    return subprocess.Popen(
        [*prefix, *AVGDT, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


def ended(process: subprocess.Popen[str], seconds: float = 60.0) -> tuple[int, str]:
    """The exit code and the last line of the messages of a process that must end, and print no traceback."""
    try:
        _, messages = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        raise
    assert "Traceback" not in messages, messages
    return process.returncode, (messages.splitlines() or [""])[-1]


def run(*arguments: object, cwd: Path | None = None) -> tuple[int, str]:
    """The exit code and the last line of the messages of ``avgdt``."""
    return ended(start(*arguments, cwd=cwd))


def pasted(line: str, cwd: Path | None = None, after: str = "with: ", seconds: float = 60.0) -> tuple[int, str]:
    """Run the command that a message ends with, as a shell does."""
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
    """Wait until the run has logged ``step``."""
    deadline = time.monotonic() + seconds
    while not any(line["step"] >= step for line in read_metrics(out / "metrics.jsonl")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """Process ids of the children of a process."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
