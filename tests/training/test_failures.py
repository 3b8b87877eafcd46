"""Recordings that fail in the middle of a run are said, counted and listed, and too many of them end it."""

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
from avgdt.training.pretrain import pretrain
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
    own, out, said = write_folder(tmp_path / "own", 12), tmp_path / "run", list[str]()
    gone = at_step(2, lambda: (own / "03.mkv").unlink())
    pretrain(recipe(0.1), own, out, on_metrics=gone, on_message=said.append)
    assert len(said) == 2
    assert said[0].startswith("skipped, cannot be read: ")
    assert "03.mkv" in said[0]
    assert said[1] == f"1 recording could not be read during training; see {out / 'skipped.csv'}"
    assert [row.path for row in read_skipped(out / "skipped.csv")] == [own / "03.mkv"]
    assert [line["failed"] for line in read_metrics(out / "metrics.jsonl")][:2] == [0, 0]
    assert read_metrics(out / "metrics.jsonl")[-1]["failed"] == 1


def test_one_that_can_be_read_again_is_no_failure_any_more(tmp_path: Path) -> None:
    own, out, said = write_folder(tmp_path / "own", 12), tmp_path / "run", list[str]()
    path, away = own / "03.mkv", tmp_path / "away.mkv"

    def move(metrics: dict[str, Any]) -> None:
        if metrics["failed"]:
            shutil.copy(away, path)

    shutil.copy(path, away)
    pretrain(
        recipe(0.1),
        own,
        out,
        on_message=said.append,
        on_metrics=lambda metrics: (at_step(2, path.unlink)(metrics), move(metrics)),
    )
    assert len(said) == 1
    assert read_skipped(out / "skipped.csv") == []
    assert read_metrics(out / "metrics.jsonl")[-1]["failed"] == 0


def test_too_many_save_the_state_and_stop_and_the_run_resumes_when_they_are_back(tmp_path: Path) -> None:
    own, out = write_folder(tmp_path / "own", 12), tmp_path / "run"
    gone = at_step(3, lambda: own.rename(tmp_path / "away"))
    with pytest.raises(
        TooManyFailed,
        match=r"fewer than two of the \d+ recordings of a batch|\d of 12 .* share of 0\.1 that data\.failing_at_most",
    ) as e:
        pretrain(recipe(0.1), own, out, on_metrics=gone)
    assert "give --data NEW if they were moved" in str(e.value)
    assert f"resume with: avgdt pretrain --resume --out {out}" in str(e.value)
    assert load_checkpoint(out / "checkpoints" / "last.pt")[0]["step"] == 3
    pretrain(recipe(0.1), tmp_path / "away", out, resume=True)
    assert read_metrics(out / "metrics.jsonl")[-1]["step"] == 12
    assert read_metrics(out / "metrics.jsonl")[-1]["failed"] == 0


def test_the_share_is_the_recipes_and_may_change_on_resume(tmp_path: Path) -> None:
    own, out = write_folder(tmp_path / "own", 12), tmp_path / "run"

    def gone(metrics: dict[str, Any]) -> None:
        for name in ("03.mkv", "04.mkv", "05.mkv"):
            (own / name).unlink(missing_ok=True)

    with pytest.raises(TooManyFailed, match=r"[234] of 12 recordings could not be read, more than the share"):
        pretrain(recipe(0.1), own, out, on_metrics=gone)
    with pytest.raises(TooManyFailed):
        pretrain(recipe(0.1), own, out, resume=True)
    pretrain(recipe(0.3), own, out, resume=True)
    assert len(read_skipped(out / "skipped.csv")) == 3
