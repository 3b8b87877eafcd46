"""Tests of real runs that are interrupted, killed, started twice and resumed."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.recipes.config import write_yaml
from avgdt.training.checkpoint_file import load_checkpoint
from avgdt.training.metrics import read_metrics
from tests.helpers.command import AVGDT, finish_process, run, run_suggestion, start, wait_for_step, workers_of
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny

MANY = ("--schedule.epochs", "1000000")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("data") / "films", 9)


@pytest.fixture
def working_directory(tmp_path: Path, films: Path) -> Path:
    """Create a working directory with a recipe and recordings, and change to it."""
    write_yaml(replace(tiny(), run=replace(tiny().run, workers=2)), tmp_path / "tiny.yaml")
    (tmp_path / "films").symlink_to(films)
    return tmp_path


def new(out: str = "runs/a", *options: object) -> list[object]:
    return ["pretrain", "--config", "tiny.yaml", "--data", "films", "--out", out, *options]


def saved_step(out: Path) -> int:
    return int(load_checkpoint(out / "checkpoints" / "last.pt")[0]["step"])


@pytest.mark.parametrize(("number", "group"), [(signal.SIGTERM, True), (signal.SIGHUP, False), (signal.SIGUSR1, True)])
def test_a_signal_saves_the_state(number: int, group: bool, working_directory: Path) -> None:
    process = start(*new("runs/a", *MANY), cwd=working_directory)
    out = working_directory / "runs" / "a"
    wait_for_step(out, 3, process)
    (os.killpg if group else os.kill)(process.pid, number)
    code, line = finish_process(process)
    assert code == 128 + number
    assert line.startswith(f"avgdt: stopped by {signal.Signals(number).name}; the state is saved; resume with: ")
    assert saved_step(out) == read_metrics(out / "metrics.jsonl")[-1]["step"] >= 3


def test_the_printed_command_resumes_from_any_folder(working_directory: Path) -> None:
    process = start(*new("runs/a b (1)", *MANY), cwd=working_directory)
    out = working_directory / "runs" / "a b (1)"
    wait_for_step(out, 3, process)
    os.killpg(process.pid, signal.SIGINT)
    code, line = finish_process(process)
    assert code == 130
    code, first = run(*new("runs/a b (1)", *MANY), cwd=working_directory)
    assert code == 2
    assert "already holds a run; resume with: " in first
    command = line.partition("with: ")[2]
    assert command == first.partition("with: ")[2].removesuffix(" (or choose another --out)")
    epochs = saved_step(out) // 2 + 2
    code, line = run_suggestion(f"{line} --schedule.epochs {epochs}", cwd=working_directory)
    assert (code, line) == (0, "wrote runs/a b (1)/weights.safetensors")
    assert [m["step"] for m in read_metrics(out / "metrics.jsonl")] == [*range(1, 2 * epochs + 1)]
    (working_directory / "elsewhere").mkdir()
    resume = ["pretrain", "--resume", "--out", "../runs/a b (1)", "--schedule.epochs", epochs + 1]
    assert run(*resume, cwd=working_directory / "elsewhere")[0] == 0
    assert saved_step(out) == 2 * epochs + 2


def test_closing_the_terminal_saves_the_state(working_directory: Path) -> None:
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(working_directory)
        os.execv(AVGDT[0], [*AVGDT, *map(str, new("runs/a", *MANY))])
    out = working_directory / "runs" / "a"
    deadline = time.monotonic() + 60
    os.set_blocking(master, False)
    while not len(read_metrics(out / "metrics.jsonl")) > 2:
        assert time.monotonic() < deadline
        try:
            os.read(master, 10_000)
        except BlockingIOError:
            time.sleep(0.02)
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGHUP
    assert saved_step(out) > 2


def test_signals_that_were_ignored_at_the_start_remain_ignored(working_directory: Path) -> None:
    process = start(*new("runs/a", *MANY), cwd=working_directory, prefix=("nohup",))
    wait_for_step(working_directory / "runs" / "a", 2, process)
    os.killpg(process.pid, signal.SIGHUP)
    wait_for_step(
        working_directory / "runs" / "a",
        read_metrics(working_directory / "runs" / "a" / "metrics.jsonl")[-1]["step"] + 2,
        process,
    )
    os.killpg(process.pid, signal.SIGTERM)
    assert finish_process(process)[0] == 128 + signal.SIGTERM


def test_a_second_run_in_the_folder_is_refused_while_the_first_runs(working_directory: Path) -> None:
    process = start(*new("runs/a", *MANY, "--run.checkpoint-minutes", 0), cwd=working_directory)
    wait_for_step(working_directory / "runs" / "a", 3, process)
    for arguments in (new(), ["pretrain", "--resume", "--out", "runs/a"]):
        code, line = run(*arguments, cwd=working_directory)
        assert code == 2
        assert f"runs/a: another run is writing here (process {process.pid} on " in line
    config = (working_directory / "runs" / "a" / "config.yaml").read_text()
    assert "epochs: 1000000" in config
    process.kill()
    process.communicate()
    code, line = run("pretrain", "--resume", "--out", "runs/a", "--schedule.epochs", 1, cwd=working_directory)
    assert code == 2
    assert "schedule.epochs: 1 is less than" in line
    assert not list((working_directory / "runs" / "a" / "checkpoints").glob(".*"))


def test_resuming_a_run_that_another_process_trains_is_refused(working_directory: Path) -> None:
    process = start(*new("runs/a", *MANY), cwd=working_directory)
    wait_for_step(working_directory / "runs" / "a", 1, process)
    assert not (working_directory / "runs" / "a" / "checkpoints" / "last.pt").exists()
    code, line = run("pretrain", "--resume", "--out", "runs/a", cwd=working_directory)
    assert code == 2
    assert f"runs/a: another run is writing here (process {process.pid} on " in line
    os.killpg(process.pid, signal.SIGTERM)
    assert finish_process(process)[0] == 128 + signal.SIGTERM


@pytest.mark.parametrize(("minutes", "moved"), [(0, False), (10, False), (10, True)])
def test_a_folder_that_is_deleted_or_moved_ends_the_run_in_one_line(
    minutes: int, moved: bool, working_directory: Path
) -> None:
    process = start(*new("runs/a", *MANY, "--run.checkpoint-minutes", minutes), cwd=working_directory)
    wait_for_step(working_directory / "runs" / "a", 3, process)
    (working_directory / "runs" / "a").rename(working_directory / "away")
    if not moved:
        shutil.rmtree(working_directory / "away")
    code, line = finish_process(process)
    assert code == 2
    assert line.startswith("avgdt: runs/a: deleted or moved while the run was writing to it")
    assert not (working_directory / "runs" / "a").exists()  # no part of the folder is created again


def test_ctrl_c_during_inspection_prints_the_command_that_restarts_it(working_directory: Path) -> None:
    for i in range(300):
        (working_directory / f"more{i}").symlink_to(working_directory / "films" / "00.mkv")
    process = start("pretrain", "--config", "tiny.yaml", "--data", ".", "--out", "runs/a", cwd=working_directory)
    while not (working_directory / "runs" / "a" / "config.yaml").exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    code, line = finish_process(process)
    assert code == 130
    assert "training had not started; restart with: " in line
    assert line.endswith("pretrain --config tiny.yaml --data . --out runs/a")
    code, line = run("pretrain", "--resume", "--out", "runs/a", cwd=working_directory)
    assert code == 2
    assert "runs/a: no checkpoint yet, since training had not started; start the run without --resume" in line
    assert not (working_directory / "runs" / "a" / "manifest.csv").exists()


def test_a_killed_worker_is_reported_in_one_line_and_the_state_is_saved(working_directory: Path) -> None:
    process = start(*new("runs/a", *MANY), cwd=working_directory)
    wait_for_step(working_directory / "runs" / "a", 3, process)
    workers = workers_of(process)
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    code, line = finish_process(process)
    assert code == 2
    assert "a worker process was killed (signal 9)" in line
    assert line.endswith("pretrain --resume --out runs/a --run.workers 1")
    assert saved_step(working_directory / "runs" / "a") >= 3


def test_a_run_needs_almost_no_shared_memory(working_directory: Path) -> None:
    unshare = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=64k tmpfs /dev/shm && exec "$@"', "sh")
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not permitted")
    assert finish_process(start(*new(), cwd=working_directory, prefix=unshare))[0] == 0
