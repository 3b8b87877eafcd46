from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.workers import AvgdtProcess, raise_failures, run_processes
from avgdt.training.signals import Stopped


def avgdt_process(name: str, folder: Path, *arguments: str) -> AvgdtProcess:
    return AvgdtProcess(name, arguments, folder / f"{name}.log")


def test_all_processes_run_and_their_output_is_logged(tmp_path: Path) -> None:
    works = [avgdt_process(f"w{i}", tmp_path, "recipes") for i in range(3)]
    started, done = list[str](), list[str]()
    run_processes(works, 2, lambda each: done.append(each.name), lambda each: started.append(each.name))
    assert started == ["w0", "w1", "w2"]
    assert sorted(done) == started
    assert all("demo-bank" in each.log.read_text() for each in works)


def test_failures_are_returned_and_other_processes_continue(tmp_path: Path) -> None:
    works = [avgdt_process("bad", tmp_path, "recipes", "nothing"), avgdt_process("late", tmp_path, "recipes")]
    done = list[str]()
    (failure,) = run_processes(works, 1, lambda each: done.append(each.name), lambda each: None)
    assert "'nothing' is unknown" in failure
    assert failure.endswith(f"its output is in {tmp_path / 'bad.log'}")
    assert done == ["late"]
    raise_failures([])
    with pytest.raises(ExperimentError, match=r"bad: .*\(and 1 more failed\)"):
        raise_failures([failure, failure])


def test_a_killed_process_is_reported_as_killed(tmp_path: Path) -> None:
    run = avgdt_process("demo", tmp_path, "demo", "--out", str(tmp_path / "demo"))

    def kill() -> None:
        for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
            os.kill(int(pid), signal.SIGKILL)

    (failure,) = run_processes([run], 1, lambda each: None, lambda each: None, kill)
    assert "was killed by SIGKILL, perhaps for lack of memory; lower --jobs" in failure


def test_a_signal_is_forwarded_to_the_processes(tmp_path: Path) -> None:
    run = avgdt_process("demo", tmp_path, "demo", "--out", str(tmp_path / "demo"))
    process_started = threading.Event()

    def poll() -> None:
        if process_started.is_set() and run.log.exists() and time.monotonic() > begun + 4:
            raise Stopped(signal.SIGTERM)

    begun = time.monotonic()
    with pytest.raises(Stopped):
        run_processes([run], 1, lambda each: None, lambda each: process_started.set(), poll)
    assert "stopped by SIGTERM" in run.log.read_text()
