"""Stress test that kills training runs at random moments, resumes them, and compares the final checkpoints.

    python benchmarks/kills.py --data runs/world/manifest.csv --out runs/kills --kills 100 --seed 0

A training run of a small recipe is killed (SIGKILL to all its processes) at a random moment, or while it writes a
checkpoint, and resumed, repeatedly until it ends. Its last checkpoint must equal that of the same run without a kill:
bit for bit if the number of processes is constant, and within 1e-5 if it changes (1, 2, 1 ... processes). The script
prints one line per run and a summary; the exit code is 1 if a run differs.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from avgdt.data.manifest import write_manifest
from avgdt.data.selection import list_recordings
from avgdt.files import read_json_lines
from avgdt.recipes.config import to_yaml
from avgdt.recipes.named import named
from avgdt.recipes.recipe import Recipe
from avgdt.training.checkpoints import Checkpoints

EPOCHS, RECORDINGS = 12, 36
PATIENCE = 300.0
"""Time limit for a training run to log the steps before its next kill, in seconds."""


def recipe() -> Recipe:
    """Return ``demo-bank`` with very narrow networks, four batch norm groups, and a checkpoint after every step."""
    demo = named("demo-bank")
    return replace(
        demo,
        model=replace(
            demo.model,
            video=replace(demo.model.video, width=4),
            audio=replace(demo.model.audio, width=4),
            head=replace(demo.model.head, hidden=16, out=16),
        ),
        objective=replace(demo.objective, key_groups=1),
        schedule=replace(demo.schedule, epochs=EPOCHS),
        run=replace(
            demo.run,
            batch=12,
            norm_group=3,
            workers=1,
            precision="fp32",
            monitor_epochs=0,
            checkpoint_minutes=0.0,
        ),
    )


@dataclass
class TrainingRun:
    """Training run in the folder ``out``, which can be killed and started again."""

    out: Path
    data: Path
    config: Path

    def start(self, count: int) -> list[subprocess.Popen[bytes]]:
        """Start the run, or resume it from its checkpoint, in ``count`` processes."""
        arguments = ["--config", self.config, "--data", self.data]
        if Checkpoints(self.out).paths():
            arguments = ["--resume"]
        command = [sys.executable, "-m", "avgdt", "pretrain", *map(str, arguments), "--out", str(self.out)]
        port = str(random.SystemRandom().randrange(20000, 60000))
        shared = {"MASTER_ADDR": "localhost", "MASTER_PORT": port, "WORLD_SIZE": str(count), "OMP_NUM_THREADS": "1"}
        log = (self.out.parent / f"{self.out.name}.log").open("ab")
        return [
            subprocess.Popen(
                command,
                env={
                    **os.environ,
                    **shared,
                    "RANK": str(rank),
                    "LOCAL_RANK": str(rank),
                    "LOCAL_WORLD_SIZE": str(count),
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            for rank in range(count)
        ]

    @property
    def steps(self) -> int:
        """Number of steps logged so far."""
        file = self.out / "metrics.jsonl"
        return len(read_json_lines(file, ("step",))) if file.exists() else 0

    @property
    def writing(self) -> bool:
        """Whether a checkpoint is being written."""
        return any((self.out / "checkpoints").glob(".*.partial"))

    def state(self) -> dict[str, Any]:
        """Return the state of the last checkpoint."""
        return Checkpoints(self.out).load().state


def kill(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Kill all processes, including their worker processes."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    for process in processes:
        process.wait()


def finished(processes: Sequence[subprocess.Popen[bytes]]) -> bool:
    """Return whether all processes have ended; raise ``SystemExit`` if one has failed."""
    codes = [process.poll() for process in processes]
    if any(code not in (None, 0) for code in codes):
        kill(processes)
        raise SystemExit(f"a training run failed with exit codes {codes}; see the .log files in --out")
    return all(code == 0 for code in codes)


def wait_to_kill(
    training: TrainingRun, processes: Sequence[subprocess.Popen[bytes]], inside: bool, rng: random.Random
) -> bool:
    """Wait for one to five more steps and up to 0.2 s; return False if the training run ends first.

    With ``inside``, wait until a checkpoint is being written instead of up to 0.2 s.
    """
    deadline, before = time.monotonic() + PATIENCE, training.steps
    ahead = rng.randrange(1, 6)
    while training.steps < before + ahead:
        if finished(processes):
            return False
        if time.monotonic() > deadline:
            kill(processes)
            raise SystemExit(f"{training.out}: no step within {PATIENCE:g} s")
        time.sleep(0.01)
    if not inside:
        time.sleep(rng.uniform(0.0, 0.2))
        return True
    while not training.writing:
        if finished(processes):
            return False
    return True


def difference(a: Any, b: Any) -> float:
    """Return the largest difference between numbers in two nested states, or infinity if their structures differ."""
    if isinstance(a, torch.Tensor):
        same = isinstance(b, torch.Tensor) and a.shape == b.shape
        return (float((a.double() - b.double()).abs().max()) if a.numel() else 0.0) if same else float("inf")
    if isinstance(a, dict):
        return max((difference(a[key], b[key]) for key in a), default=0.0) if a.keys() == b.keys() else float("inf")
    if isinstance(a, list | tuple):
        return max((difference(x, y) for x, y in zip(a, b, strict=True)), default=0.0)
    return 0.0 if a == b else abs(a - b)


def run_to_the_end(training: TrainingRun, count: int) -> dict[str, Any]:
    """Train without interruption, and return the final state."""
    processes = training.start(count)
    while not finished(processes):
        time.sleep(0.1)
    return training.state()


def main() -> int:
    """Kill training runs until ``--kills`` kills are reached; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder or manifest of recordings; the first 36 are used"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    data, config = args.out / "recordings.csv", args.out / "recipe.yaml"
    entries = list_recordings(args.data, 2, None)[:RECORDINGS]
    write_manifest([replace(entry, path=entry.path.absolute()) for entry in entries], data)
    config.write_text(to_yaml(recipe()))
    expected: dict[int, dict[str, Any]] = {}
    kills, inside_kills, number, wrong = 0, 0, 0, 0
    while kills < args.kills:
        counts = [(1,), (2,), (1, 2)][number % 3]
        for count in set(counts) - expected.keys():
            undisturbed = TrainingRun(args.out / f"whole-{count}", data, config)
            shutil.rmtree(undisturbed.out, ignore_errors=True)
            expected[count] = run_to_the_end(undisturbed, count)
        training = TrainingRun(args.out / f"killed-{number}", data, config)
        shutil.rmtree(training.out, ignore_errors=True)
        killed, killed_inside, start = 0, 0, 0
        while True:
            processes = training.start(counts[start % len(counts)])
            start += 1
            inside = rng.random() < 0.4
            if kills + killed >= args.kills or not wait_to_kill(training, processes, inside, rng):
                while not finished(processes):
                    time.sleep(0.1)
                break
            kill(processes)
            killed += 1
            killed_inside += training.writing
        state = training.state()
        error = difference(expected[counts[0]], state)
        right = error == 0 if len(counts) == 1 else error < 1e-5
        processes_in_words = " and ".join(map(str, counts))
        print(
            f"run {number}: {processes_in_words} processes, {killed} kills, {killed_inside} while writing a "
            f"checkpoint, largest difference {error:.1e}, {'right' if right else 'WRONG'}",
            flush=True,
        )
        kills, inside_kills = kills + killed, inside_kills + killed_inside
        number, wrong = number + 1, wrong + (not right)
    print(f"{kills} kills in {number} runs, {inside_kills} while writing a checkpoint: {wrong} runs wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
