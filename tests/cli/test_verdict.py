"""Tests of when ``avgdt pretrain`` prints the verdict: at the end, and after a held-out measurement that changes it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from avgdt.cli.pretrain import pretrain_with_progress
from avgdt.evaluation.verdict import verdict_from_file
from avgdt.recipes.named import named
from avgdt.training.pretrain import Callbacks

RECIPE = named("demo")


def train_line(step: int, accuracy: float) -> dict[str, Any]:
    return {"kind": "train", "step": step, "epoch": step / 100, "loss": 9.0, "accuracy": accuracy, "std_video": 0.6}


def heldout_line(step: int, recall: float) -> dict[str, Any]:
    way = {"r1": recall / 2, "r5": recall, "r10": recall, "median_rank": 48.5, "gallery": 96}
    return {"kind": "heldout", "step": step, "epoch": step / 100, "video_to_audio": way, "audio_to_video": way}


def printed(
    lines: list[dict[str, Any]], out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """Return the verdicts printed by a run that logs ``lines``."""

    def logging(recipe: object, data: object, out: Path, resume: object, callbacks: Callbacks, *rest: Any) -> Path:
        collection: Any = SimpleNamespace(train=[], held_out=[], skipped=[], duplicates=0, other_splits=[])
        learner: Any = SimpleNamespace(recipe=RECIPE, step=0)
        callbacks.on_start(learner, collection, len(lines))
        with (out / "metrics.jsonl").open("a") as file:
            for line in lines:
                print(json.dumps(line), file=file, flush=True)
                callbacks.on_metrics(line)
        return out / "weights.safetensors"

    monkeypatch.setattr("avgdt.training.pretrain.pretrain", logging)
    monkeypatch.setattr("avgdt.training.pretrain.describe_device", lambda learner: "cpu")
    pretrain_with_progress(RECIPE, None, out)
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("verdict: ")]


def test_the_verdict_is_printed_when_it_changes_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [train_line(1, 0.04), heldout_line(1, 0.1), train_line(2, 0.04), heldout_line(2, 0.11)]
    lines += [train_line(3, 0.1), heldout_line(3, 0.3), train_line(4, 0.3), heldout_line(4, 0.6)]
    first, second, last = printed(lines, tmp_path, monkeypatch, capsys)
    assert "plateau" in first
    assert "The run works" in second
    assert "30.0 %" in second
    assert last == f"verdict: {verdict_from_file(RECIPE, tmp_path / 'metrics.jsonl')}"
    assert "60.0 %" in last


def test_without_held_out_recordings_the_verdict_is_printed_at_the_end_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (only,) = printed([train_line(1, 0.5), train_line(2, 0.9)], tmp_path, monkeypatch, capsys)
    assert "Generalisation is not measured" in only
    assert "--data.held-out" in only


def test_a_run_without_steps_prints_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed([], tmp_path, monkeypatch, capsys) == []


def test_a_verdict_that_the_last_measurement_printed_is_not_repeated_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [train_line(1, 0.3), heldout_line(1, 0.6)]
    assert len(printed(lines, tmp_path, monkeypatch, capsys)) == 1
