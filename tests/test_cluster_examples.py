"""Tests of ``examples/slurm.sh`` with fake ``srun`` and ``scontrol``, and of submitit with its local executor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avgdt.files import read_json_lines
from avgdt.recipes.config import to_yaml
from avgdt.recipes.training import Objective, Run, Schedule
from tests.helpers.folders import write_folder
from tests.helpers.ranks import free_port
from tests.helpers.recipes import tiny

EXAMPLES = Path(__file__).parents[1] / "examples"

SRUN = """#!/bin/bash
shift  # --kill-on-bad-exit=1
export SLURM_NTASKS=2 SLURM_NNODES=1
for task in 0 1; do SLURM_PROCID=$task SLURM_LOCALID=$task "$@" & pids[task]=$!; echo $! >> tasks; done
code=0
for pid in "${pids[@]}"; do wait $pid; own=$?; [ $own -gt $code ] && code=$own; done
exit $code
"""
SCONTROL = """#!/bin/bash
[ "$1" = show ] && echo localhost || echo "$@" >> requeued
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Write a folder with recordings and a recipe of 30 steps in two batch norm groups."""
    write_folder(tmp_path / "films", 11)
    recipe = tiny(
        objective=Objective(bank=10, momentum=0.9, key_groups=1),
        schedule=Schedule(epochs=15, warmup_epochs=1),
        run=Run(batch=4, norm_group=2, workers=0, device="cpu", precision="fp32"),
    )
    (tmp_path / "recipe.yaml").write_text(to_yaml(recipe))
    return tmp_path


def wait_for_step(out: Path, step: int) -> None:
    deadline = time.monotonic() + 90
    while not (out / "metrics.jsonl").exists() or len(read_json_lines(out / "metrics.jsonl", ("step",))) < step:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_slurm_job_saves_its_state_requeues_itself_and_resumes(job: Path) -> None:
    programs = job / "bin"
    programs.mkdir()
    avgdt = f'#!/bin/bash\nexec {sys.executable} -m avgdt "$@"\n'
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL), ("avgdt", avgdt)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NODELIST": "localhost",
        "MASTER_PORT": str(free_port()),
        "OMP_NUM_THREADS": "1",
    }
    command = ["bash", str(EXAMPLES / "slurm.sh"), "run", "--config", "recipe.yaml", "--data", "films"]
    first = subprocess.Popen(command, cwd=job, env=environment, stderr=subprocess.PIPE)
    wait_for_step(job / "run", 3)
    for task in (job / "tasks").read_text().split():
        os.kill(int(task), signal.SIGUSR1)
    _, errors = first.communicate(timeout=60)
    assert first.returncode == 138, errors
    assert (job / "requeued").read_text() == "requeue 7\n"
    environment["MASTER_PORT"] = str(free_port())
    again = subprocess.run(command, cwd=job, env=environment, capture_output=True, timeout=90, check=False)
    assert again.returncode == 0, again.stderr
    assert [
        line["step"] for line in read_json_lines(job / "run" / "metrics.jsonl", ("step",)) if line["kind"] == "train"
    ] == [*range(1, 31)]


@pytest.mark.slow
def test_a_submitit_job_trains(job: Path) -> None:
    pytest.importorskip("submitit")
    arguments = ["--cluster", "local", "--tasks", "2", "--", "pretrain", "--config", "recipe.yaml"]
    done = subprocess.run(
        [sys.executable, EXAMPLES / "submitit_pretrain.py", *arguments, "--data", "films", "--out", "run"],
        cwd=job,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (job / "run" / "weights.safetensors").exists()
