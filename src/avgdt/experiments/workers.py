"""Several processes of this program at once: the jobs of an experiment, each with a log of its own."""

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

from avgdt.experiments.errors import ExperimentError
from avgdt.processes import usable_cores

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Work:
    """One process: the arguments of ``avgdt`` and the file of its output."""

    name: str
    arguments: tuple[str, ...]
    log: Path


def run_processes(
    works: Sequence[Work],
    at_once: int,
    on_done: Callable[[Work], None],
    on_start: Callable[[Work], None],
    on_poll: Callable[[], None] = lambda: None,
) -> None:
    """Run ``works``, at most ``at_once`` at a time, which share out the cores; return when all have ended.

    ``on_poll`` is called several times a second.

    After an error no more are started, the running ones finish, and :class:`ExperimentError` names the first error. A
    signal that stops this process is passed on, and the processes end as they do on that signal, saving their state.
    """
    waiting, running, failed = list(works), dict[subprocess.Popen[bytes], Work](), list[Work]()
    threads = max(1, usable_cores() // at_once)
    environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads))}
    try:
        while running or (waiting and not failed):
            while waiting and not failed and len(running) < at_once:
                work = waiting.pop(0)
                work.log.parent.mkdir(parents=True, exist_ok=True)
                with work.log.open("ab") as log:
                    command = [sys.executable, "-m", "avgdt", *work.arguments]
                    running[subprocess.Popen(command, stdout=log, stderr=log, env=environment)] = work
                on_start(work)
            time.sleep(POLL_SECONDS)
            on_poll()
            for process in [process for process in running if process.poll() is not None]:
                work = running.pop(process)
                if process.returncode:
                    failed.append(work)
                else:
                    on_done(work)
    except BaseException as error:
        _stop(list(running), getattr(error, "number", signal.SIGTERM))
        raise
    if failed:
        raise ExperimentError(f"{failed[0].name}: {_last_line(failed[0].log)}; its output is in {failed[0].log}")


def _stop(processes: Sequence[subprocess.Popen[bytes]], number: int) -> None:
    """Send a signal to all processes and wait for them, which save their state; Ctrl-C has reached them already."""
    for process in processes:
        with suppress(OSError):
            process.send_signal(number)
    for process in processes:
        process.wait()


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("avgdt: ") if lines else "ended with an error"
