"""Parallel execution of the jobs of an experiment as ``avgdt`` processes, each with its own log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import avgdt
from avgdt.experiments.errors import ExperimentError
from avgdt.processes import usable_cores
from avgdt.training.signals import deferred

POLL_SECONDS = 0.2
"""Interval between checks of the processes, in seconds."""


@dataclass(frozen=True)
class AvgdtProcess:
    """Process to run: its ``avgdt`` arguments, and the log file for its output."""

    name: str
    arguments: tuple[str, ...]
    log: Path


def run_processes(
    processes: Sequence[AvgdtProcess],
    parallel: int,
    on_done: Callable[[AvgdtProcess], None],
    on_start: Callable[[AvgdtProcess], None],
    on_poll: Callable[[], None] = lambda: None,
) -> list[str]:
    """Run ``processes``, at most ``parallel`` at a time; return an error message for each that failed.

    The processor cores are divided among the processes. ``on_poll`` is called several times per second. A signal that
    stops this process is forwarded to the processes, which then save their state and end.
    """
    waiting, running, failures = list(processes), dict[subprocess.Popen[bytes], AvgdtProcess](), list[str]()
    threads = max(1, usable_cores() // parallel)
    environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads))}
    if (
        source := Path(avgdt.__file__).parent.parent
    ) == Path.cwd():  # the package is not installed but run from its source folder
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH")]))
    try:
        while running or waiting:
            while waiting and len(running) < parallel:
                work = waiting.pop(0)
                work.log.parent.mkdir(parents=True, exist_ok=True)
                # Deferred: a signal must not arrive between the start of the process and its entry in ``running``.
                with work.log.open("ab") as log, deferred():
                    # -P: files of the working directory (such as a statistics.py) must not shadow modules.
                    command = [sys.executable, "-P", "-m", "avgdt", *work.arguments]
                    running[subprocess.Popen(command, stdout=log, stderr=log, env=environment)] = work
                on_start(work)
            time.sleep(POLL_SECONDS)
            on_poll()
            for process in [process for process in running if process.poll() is not None]:
                work = running.pop(process)
                if process.returncode:
                    failures.append(
                        f"{work.name}: {_reason(process.returncode, work.log)}; its output is in {work.log}"
                    )
                else:
                    on_done(work)
    except BaseException as error:
        _stop(list(running), getattr(error, "number", signal.SIGTERM))
        raise
    return failures


def raise_failures(failures: Sequence[str]) -> None:
    """Raise :class:`ExperimentError` with the first failure, if there is one."""
    if failures:
        more = f" (and {len(failures) - 1} more failed)" if len(failures) > 1 else ""
        raise ExperimentError(failures[0] + more)


def _stop(processes: Sequence[subprocess.Popen[bytes]], number: int) -> None:
    """Send a signal to all processes and wait until they have ended."""
    # After Ctrl-C, the processes also receive the signal from the terminal; both signals are counted as one.
    for process in processes:
        with suppress(OSError):
            process.send_signal(number)
    for process in processes:
        process.wait()


def _reason(code: int, log: Path) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}, perhaps for lack of memory; lower --jobs"
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("avgdt: ") if lines else f"ended with exit code {code}"
