"""Tests of recordings that fail during a run: they are reported, counted and listed, and too many end the run."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avgdt.data.selection import read_skipped
from avgdt.recipes.recipe import Data, Recipe
from avgdt.training.checkpoint_file import load_checkpoint
from avgdt.training.errors import TooManyFailed
from avgdt.training.metrics import read_metrics
from avgdt.training.pretrain import Callbacks, pretrain
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny


def recipe(at_most: float) -> Recipe:
    return tiny(
        data=Data(held_out_at_most=0, failing_at_most=at_most),
        run=replace(tiny().run, batch=4),
        schedule=replace(tiny().schedule, epochs=4),
    )


def at_step(step: int, act: Any) -> Any:
    return lambda metrics: act() if metrics["step"] == step else None


def test_a_file_that_vanishes_is_reported_once_counted_and_listed(tmp_path: Path) -> None:
    recordings, out, messages = write_folder(tmp_path / "own", 12), tmp_path / "run", list[str]()
    remove = at_step(2, lambda: (recordings / "03.mkv").unlink())
    pretrain(recipe(0.1), recordings, out, callbacks=Callbacks(on_metrics=remove, on_message=messages.append))
    assert len(messages) == 2
    assert messages[0].startswith("skipped, cannot be read: ")
    assert "03.mkv" in messages[0]
    assert messages[1] == f"1 recording could not be read during training; see {out / 'skipped.csv'}"
    assert [row.path for row in read_skipped(out / "skipped.csv")] == [recordings / "03.mkv"]
    assert [line["failed"] for line in read_metrics(out / "metrics.jsonl")][:2] == [0, 0]
    assert read_metrics(out / "metrics.jsonl")[-1]["failed"] == 1


def test_a_recording_that_can_be_read_again_is_removed_from_the_failures(tmp_path: Path) -> None:
    recordings, out, messages = write_folder(tmp_path / "own", 12), tmp_path / "run", list[str]()
    path, away = recordings / "03.mkv", tmp_path / "away.mkv"

    def move(metrics: dict[str, Any]) -> None:
        if metrics["failed"]:
            shutil.copy(away, path)

    shutil.copy(path, away)
    pretrain(
        recipe(0.1),
        recordings,
        out,
        callbacks=Callbacks(
            on_metrics=lambda metrics: (at_step(2, path.unlink)(metrics), move(metrics)), on_message=messages.append
        ),
    )
    assert len(messages) == 1
    assert read_skipped(out / "skipped.csv") == []
    assert read_metrics(out / "metrics.jsonl")[-1]["failed"] == 0


def test_too_many_failures_stop_the_run_which_can_be_resumed(tmp_path: Path) -> None:
    recordings, out = write_folder(tmp_path / "own", 12), tmp_path / "run"
    remove = at_step(3, lambda: recordings.rename(tmp_path / "away"))
    with pytest.raises(
        TooManyFailed,
        match=r"fewer than two of the \d+ recordings of a batch|\d of 12 .* fraction of 0\.1 that data\.failing_at",
    ) as e:
        pretrain(recipe(0.1), recordings, out, callbacks=Callbacks(on_metrics=remove))
    assert "give --data NEW if they were moved" in str(e.value)
    assert f"resume with: avgdt pretrain --resume --out {out}" in str(e.value)
    assert load_checkpoint(out / "checkpoints" / "last.pt")[0]["step"] == 3
    pretrain(recipe(0.1), tmp_path / "away", out, resume=True)
    assert read_metrics(out / "metrics.jsonl")[-1]["step"] == 12
    assert read_metrics(out / "metrics.jsonl")[-1]["failed"] == 0


def test_the_tolerated_fraction_of_failures_may_change_on_resume(tmp_path: Path) -> None:
    recordings, out = write_folder(tmp_path / "own", 12), tmp_path / "run"

    def remove_files(metrics: dict[str, Any]) -> None:
        for name in ("03.mkv", "04.mkv", "05.mkv"):
            (recordings / name).unlink(missing_ok=True)

    with pytest.raises(TooManyFailed, match=r"[234] of 12 recordings could not be read, more than the fraction"):
        pretrain(recipe(0.1), recordings, out, callbacks=Callbacks(on_metrics=remove_files))
    with pytest.raises(TooManyFailed):
        pretrain(recipe(0.1), recordings, out, resume=True)
    pretrain(recipe(0.3), recordings, out, resume=True)
    assert len(read_skipped(out / "skipped.csv")) == 3
