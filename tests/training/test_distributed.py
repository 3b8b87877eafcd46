"""Tests that distributed training matches training in one process: losses, banks, weights, errors and checkpoints."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from avgdt.files import read_json_lines
from avgdt.recipes.config import to_yaml
from avgdt.recipes.recipe import Data, Recipe
from avgdt.recipes.training import Objective, Run, Schedule
from avgdt.training.checkpoint_file import load_checkpoint
from tests.helpers.command import workers_of
from tests.helpers.folders import write_folder
from tests.helpers.ranks import finish, start_ranks
from tests.helpers.recipes import tiny

STEPS = "tests.training.distributed_steps"
TOLERANCE = 1e-10
"""Maximum difference between states in float64."""


def grouped(groups: int, objective: Objective, **run: Any) -> Recipe:
    """Return a recipe with batches of 16 in ``groups`` batch norm groups."""
    settings = replace(tiny().run, batch=16, norm_group=16 // groups if groups > 1 else 0, **run)
    return tiny(run=settings, objective=objective)


BANK = Objective(bank=20, momentum=0.9, key_groups=1)
RECIPES = {
    "bank": grouped(2, BANK),
    "bank, two key groups": grouped(2, replace(BANK, key_groups=2)),
    "bank, one group": grouped(1, BANK),
    "bank of all views of a modality": grouped(2, replace(BANK, negatives_from="modality")),
    "batch": grouped(2, Objective(negatives="batch")),
    "batch, detached keys": grouped(2, Objective(negatives="batch", detach_keys=True)),
    "batch, one group": grouped(1, Objective(negatives="batch")),
    "sigmoid": grouped(2, Objective(negatives="batch", loss="sigmoid")),
    "sigmoid, bank": grouped(2, replace(BANK, loss="sigmoid")),
    "sigreg": grouped(2, Objective(negatives="batch", loss="sigreg")),
}


def trained(
    folder: Path, recipes: dict[str, Recipe], counts: tuple[int, ...], steps: int, precision: str = "double"
) -> None:
    """Train the recipes for some steps with each number of processes in ``counts``; :func:`of` reads the results."""
    for name, recipe in recipes.items():
        (folder / f"{name}.yaml").write_text(to_yaml(recipe))
    for count in counts:
        codes, errors = finish(start_ranks(count, STEPS, [folder, steps, precision], folder))
        assert set(codes) == {0}, errors


def of(folder: Path, name: str, count: int) -> list[Any]:
    """Return the losses and the state of each rank."""
    return [torch.load(folder / f"{name}.{count}.{rank}.pt", weights_only=True) for rank in range(count)]


def of_part(outcome: dict[str, Any], part: str) -> Any:
    """Return the losses, or the entry ``part`` of the training state."""
    return outcome[part] if part == "losses" else outcome["state"][part]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("short")
    trained(folder, RECIPES, (1, 2), steps=4)
    return folder


@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_train_like_one_process_with_sequential_groups(name: str, short: Path) -> None:
    (single_process,) = of(short, name, 1)
    first, second = of(short, name, 2)
    assert_close(first, second, rtol=0, atol=0)
    for part in ("phi", "key_encoder", "bank", "sigmoid", "losses"):
        assert_close(of_part(single_process, part), of_part(first, part), rtol=0, atol=TOLERANCE)
    assert single_process["losses"][:, 0].std() > 1e-3  # the losses change


FOUR_GROUPS = {
    name: replace(RECIPES[name], run=replace(RECIPES[name].run, batch=32, norm_group=8)) for name in ("bank", "batch")
}
"""Recipes with four groups: the result of a sum of three or more float32 gradients depends on their order."""


def compared(folder: Path, counts: tuple[int, ...], tolerance: float) -> None:
    """Check that the recipes of :data:`FOUR_GROUPS` have the same state with each number of processes in ``counts``."""
    for name in FOUR_GROUPS:
        (single_process,) = of(folder, name, 1)
        assert (single_process["losses"][0] - single_process["losses"][-1]).abs().max() > 0.1
        for count in counts:
            several = of(folder, name, count)
            for other in several[1:]:
                assert_close(several[0], other, rtol=0, atol=0)
            for part in ("phi", "key_encoder", "bank"):
                assert_close(of_part(single_process, part), of_part(several[0], part), rtol=0, atol=tolerance)
            assert_close(single_process["losses"], several[0]["losses"], rtol=0, atol=max(tolerance, 1e-6))


@pytest.mark.slow
def test_four_processes_train_like_one_for_20_steps(tmp_path: Path) -> None:
    trained(tmp_path, FOUR_GROUPS, (1, 2, 4), steps=20)
    compared(tmp_path, (2, 4), TOLERANCE)


def test_in_float32_two_processes_train_like_one_for_20_steps(tmp_path: Path) -> None:
    trained(tmp_path, FOUR_GROUPS, (1, 2), steps=20, precision="single")
    compared(tmp_path, (2,), 0)


@pytest.mark.slow
def test_in_float32_three_and_four_processes_train_like_one_for_20_steps(tmp_path: Path) -> None:
    trained(tmp_path, FOUR_GROUPS, (1, 3, 4), steps=20, precision="single")
    compared(tmp_path, (3, 4), 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("recordings"), 11)


@pytest.fixture
def command(folder: Path, tmp_path: Path) -> list[object]:
    """Return the arguments of a pretraining run of 30 steps with batch norm groups of 2 recordings."""
    run = Run(batch=4, norm_group=2, workers=0, device="cpu", precision="fp32")
    objective = replace(BANK, bank=10)
    recipe = tiny(run=run, objective=objective, schedule=Schedule(epochs=15, warmup_epochs=1))
    (tmp_path / "recipe.yaml").write_text(to_yaml(recipe))
    return ["pretrain", "--config", tmp_path / "recipe.yaml", "--data", folder, "--out", tmp_path / "run"]


def wait_for_step(out: Path, step: int, ranks: list[subprocess.Popen[str]]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if (out / "metrics.jsonl").exists() and len(read_json_lines(out / "metrics.jsonl", ("step",))) >= step:
            return
        assert all(rank.poll() is None for rank in ranks), [rank.stderr.read() for rank in ranks if rank.stderr]
        time.sleep(0.02)
    raise AssertionError("the training run has not logged the step in time")


def state_of(out: Path) -> dict[str, Any]:
    return load_checkpoint(out / "checkpoints" / "last.pt")[0]


def test_a_run_of_two_processes_resumes_with_one_and_equals_a_run_of_one(command: list[object], tmp_path: Path) -> None:
    alone = [*command[:-1], tmp_path / "alone"]
    codes, errors = finish(start_ranks(1, "avgdt", alone, tmp_path))
    assert codes == [0], errors
    ranks = start_ranks(2, "avgdt", command, tmp_path)
    wait_for_step(tmp_path / "run", 3, ranks)
    ranks[1].send_signal(signal.SIGUSR1)  # a scheduler may send its warning to any process
    codes, errors = finish(ranks)
    assert codes == [128 + signal.SIGUSR1] * 2, errors
    assert "resume with" in errors[0]
    assert not errors[1]
    assert 3 <= state_of(tmp_path / "run")["step"] < 30
    resumed = ["pretrain", "--resume", "--out", tmp_path / "run"]
    codes, errors = finish(start_ranks(1, "avgdt", [*resumed, "--schedule.epochs", 15], tmp_path))
    assert codes == [0], errors
    whole, one = state_of(tmp_path / "run"), state_of(tmp_path / "alone")
    assert whole["step"] == one["step"] == 30
    for part in ("phi", "key_encoder", "bank"):
        assert_close(whole[part], one[part], rtol=0, atol=1e-6)
    lines = [read_json_lines(tmp_path / name / "metrics.jsonl", ("step",)) for name in ("run", "alone")]
    assert [line["step"] for line in lines[0]] == [line["step"] for line in lines[1]]


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_all_processes_within_a_minute(rank: int, command: list[object], tmp_path: Path) -> None:
    ranks = start_ranks(2, "avgdt", [*command, "--schedule.epochs", 10000], tmp_path)
    wait_for_step(tmp_path / "run", 2, ranks)
    started = time.monotonic()
    os.kill(ranks[rank].pid, signal.SIGKILL)
    codes, errors = finish(ranks)
    assert time.monotonic() - started < 60
    assert codes[rank] == -signal.SIGKILL
    assert codes[1 - rank] == 2
    last = errors[1 - rank].splitlines()[-1]
    assert "another process has ended" in last
    assert ("resume with" if rank else "restart with") in last  # only rank 0 saves


def test_a_group_across_all_processes_has_held_out_metrics(folder: Path, tmp_path: Path) -> None:
    recipe = tiny(
        objective=BANK,
        schedule=Schedule(epochs=2, warmup_epochs=1),
        data=Data(held_out_at_most=4),
        run=Run(batch=2, workers=0, device="cpu", precision="fp32"),
    )
    (tmp_path / "recipe.yaml").write_text(to_yaml(recipe))
    rows = [f"{path},{'val' if i < 4 else 'train'}" for i, path in enumerate(sorted(folder.glob("*.*")))]
    (tmp_path / "list.csv").write_text("\n".join(["path,split", *rows]))
    command = [
        "pretrain",
        "--config",
        tmp_path / "recipe.yaml",
        "--data",
        tmp_path / "list.csv",
        "--out",
        tmp_path / "run",
    ]
    codes, errors = finish(start_ranks(2, "avgdt", command, tmp_path))
    assert codes == [0, 0], errors
    (*_, measured) = (
        line for line in read_json_lines(tmp_path / "run" / "metrics.jsonl", ("step",)) if "diagnosis" in line
    )
    assert "alignment" in measured["diagnosis"]
    assert "batch_norm_share" not in measured["diagnosis"]


def test_a_killed_worker_ends_all_processes_with_its_message(command: list[object], tmp_path: Path) -> None:
    ranks = start_ranks(2, "avgdt", [*command, "--schedule.epochs", 10000, "--run.workers", 1], tmp_path)
    wait_for_step(tmp_path / "run", 2, ranks)
    (worker,) = workers_of(ranks[1])
    os.kill(worker, signal.SIGKILL)
    codes, errors = finish(ranks)
    assert codes == [2, 2]
    assert "a worker process was killed" in errors[1].splitlines()[-1]
    assert "avgdt:" not in errors[0]
    assert state_of(tmp_path / "run")["step"] >= 2


def test_an_error_of_one_process_ends_all_processes_and_is_printed_once(command: list[object], tmp_path: Path) -> None:
    ranks = start_ranks(
        2, "avgdt", [*command, "--run.norm-group", 4, "--run.batch", 12, "--schedule.epochs", 1], tmp_path
    )
    codes, errors = finish(ranks)
    assert codes == [2, 2]
    assert sum("run.batch: 12 is more than" in error for error in errors) == 1
    ranks = start_ranks(3, "avgdt", command, tmp_path)
    codes, errors = finish(ranks)
    assert codes == [2, 2, 2]
    assert sum("makes 2 batch norm groups, fewer than the 3 processes" in error for error in errors) == 1
