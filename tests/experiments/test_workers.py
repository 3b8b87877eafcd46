from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest

from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.workers import Work, run_processes
from avgdt.training.signals import Stopped


def work(name: str, folder: Path, *arguments: str) -> Work:
    return Work(name, arguments, folder / f"{name}.log")


def test_all_processes_run_and_their_output_is_logged(tmp_path: Path) -> None:
    works = [work(f"w{i}", tmp_path, "recipes") for i in range(3)]
    started, done = list[str](), list[str]()
    run_processes(works, 2, lambda each: done.append(each.name), lambda each: started.append(each.name))
    assert started == ["w0", "w1", "w2"]
    assert sorted(done) == started
    assert all("demo-bank" in each.log.read_text() for each in works)


def test_the_first_error_is_reported_and_no_more_processes_start(tmp_path: Path) -> None:
    works = [work("bad", tmp_path, "recipes", "nothing"), work("late", tmp_path, "recipes")]
    started = list[str]()
    with pytest.raises(ExperimentError, match=r"bad: .*'nothing' is unknown.*; its output is in .*bad\.log"):
        run_processes(works, 1, lambda each: None, lambda each: started.append(each.name))
    assert started == ["bad"]


def test_a_signal_is_passed_on(tmp_path: Path) -> None:
    """A process that reads its standard input ends by the signal, not by itself."""
    run = work("demo", tmp_path, "demo", "--out", str(tmp_path / "demo"))
    process_started = threading.Event()

    def poll() -> None:
        if process_started.is_set() and run.log.exists() and time.monotonic() > begun + 4:
            raise Stopped(signal.SIGTERM)

    begun = time.monotonic()
    with pytest.raises(Stopped):
        run_processes([run], 1, lambda each: None, lambda each: process_started.set(), poll)
    assert "stopped by SIGTERM" in run.log.read_text()
