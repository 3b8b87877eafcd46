"""Tests of the training loop and of the metrics that it writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avgdt.data.selection import Selection, read_skipped
from avgdt.evaluation.held_out import monitors
from avgdt.recipes.recipe import Recipe
from avgdt.training.errors import Diverged
from avgdt.training.learner import Learner
from avgdt.training.loop import Hooks, Metrics, train
from avgdt.training.pretrain import Callbacks, pretrain
from tests.helpers.batches import CPU, batch_of
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny


@pytest.mark.parametrize(("log_every", "which"), [(1, "step 0"), (3, "steps 0 to 2"), (9, "steps 0 to 3")])
def test_a_loss_that_is_not_finite_ends_training_without_a_checkpoint(log_every: int, which: str) -> None:
    learner = Learner(tiny(run=replace(tiny().run, log_every=log_every)), 10, CPU)
    with torch.no_grad():
        next(learner.phi.parameters()).fill_(float("nan"))
    saved = list[int]()
    hooks = Hooks(checkpoint=lambda learner: saved.append(learner.step))
    with pytest.raises(Diverged, match=f"{which}: the loss is nan"):
        train(learner, [[batch_of(learner.recipe)] for _ in range(4)], hooks)
    assert not saved


def test_metrics_are_means_over_the_steps_between_two_lines() -> None:
    lines = dict[int, list[Metrics]]()
    for log_every in (1, 3):
        learner = Learner(tiny(run=replace(tiny().run, log_every=log_every)), 10, CPU)
        lines[log_every] = []
        train(learner, [[batch_of(learner.recipe, 6 * (i % 2))] for i in range(7)], Hooks(log=lines[log_every].append))
    assert [line["step"] for line in lines[3]] == [3, 6, 7]  # the last line is written before the final checkpoint
    for line, steps in zip(lines[3], (slice(0, 3), slice(3, 6), slice(6, 7)), strict=True):
        for name in ("loss", "accuracy", "positive_probability", "gradient_norm", "std_video"):
            assert line[name] == pytest.approx(np.mean([one[name] for one in lines[1][steps]]), rel=1e-5)
        pairs = [one["accuracy_pairs"] for one in lines[1][steps]]
        assert line["accuracy_pairs"] == pytest.approx({n: np.mean([p[n] for p in pairs]) for n in pairs[0]})


@pytest.mark.parametrize("left", [0, 1])
def test_unreadable_held_out_recordings_are_listed_and_training_continues(tmp_path: Path, left: int) -> None:
    folder = write_folder(tmp_path / "films", 20)

    def break_held_out_files(
        recipe: Recipe, collection: Selection, unread: Callable[[Path, str], None]
    ) -> list[Callable[[Learner], Metrics | None]]:
        for entry in collection.held_out[left:]:
            entry.path.write_text("no recording, but it was one when it was listed")
        return monitors(recipe, collection, unread)

    pretrain(tiny(), folder, tmp_path / "run", callbacks=Callbacks(monitors=break_held_out_files))
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {line["kind"] for line in lines} == {"train"}
    assert len(read_skipped(tmp_path / "run" / "skipped.csv")) == 2 - left


def test_the_metrics_of_a_run_have_all_documented_keys(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "films", 20)
    pretrain(tiny(), folder, tmp_path / "run", callbacks=Callbacks(monitors=monitors))
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    train = [line for line in lines if line["kind"] == "train"]
    held_out = [line for line in lines if line["kind"] == "heldout"]
    assert len(train) == 12
    assert [line["epoch"] for line in held_out] == [1, 2, 3]
    expected = {"loss", "accuracy", "lr", "clips_per_second", "data_wait", "std_video", "std_audio", "seconds"}
    assert expected | {"gradient_norm"} <= train[0].keys()
    assert {"effective_rank_video", "effective_rank_audio"} <= held_out[0]["diagnosis"].keys()
    assert held_out[0]["video_to_audio"]["gallery"] == 2
    assert all(0 <= line["data_wait"] <= 1 for line in train)
    # Each line has the learning rate of its own step: warm-up over the four steps of the first epoch, then constant.
    assert [line["lr"] for line in train] == pytest.approx([0.0125, 0.025, 0.0375, 0.05] + [0.05] * 8)
