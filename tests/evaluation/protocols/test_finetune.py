"""Tests of finetuning with few labels through the command line."""

from __future__ import annotations

import json
import os
import shlex
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.cli.main import main
from avgdt.data.manifest import Entry, write_manifest
from avgdt.models.pretrained import untrained
from avgdt.models.weights import save_weights
from avgdt.recipes.config import to_plain
from avgdt.recipes.recipe import Recipe
from tests.helpers.command import finish_process, start

QUICK = "--finetuning.schedule.epochs 3 --finetuning.schedule.warmup-epochs 1 --finetuning.schedule.shape cosine \
--finetuning.optimiser.kind adamw --finetuning.optimiser.lr 3e-3 --finetuning.batch 3 --finetuning.clips 8"


@pytest.fixture
def weights(recipe: Recipe, tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    save_weights(tmp_path / "run" / "weights.safetensors", untrained(recipe, seed=1).phi, to_plain(recipe), "pretrain")
    return tmp_path / "run"


@pytest.fixture
def data(entries: list[Entry], tmp_path: Path) -> Path:
    write_manifest(entries, tmp_path / "data.csv")
    return tmp_path / "data.csv"


def _arguments(weights: Path, data: Path, *options: str) -> list[str]:
    return ["evaluate", "finetune", "--weights", str(weights), "--data", str(data), "--device", "cpu", *options]


def test_the_command_finetunes_and_prints_a_table(
    weights: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--label", "light", "--shots", "1", "0", "--draws", "2", *QUICK.split())
    assert main(_arguments(weights, data, *options)) == 0
    printed = capsys.readouterr()
    assert "finetuned 1 label a class accuracy" in printed.out
    assert "finetuned, draw 2, random weights: accuracy 100.0 %, loss " in printed.err
    assert printed.err.count(" weights: accuracy ") == 2 * 2 * 2
    result = json.loads((weights / "results" / "finetune.json").read_text())
    assert result["sizes"] == {"train": 6, "test": 4, "classes": 2}
    assert result["classes"] == ["bright", "dark"]
    assert (result["other_splits"], result["unlabelled"], result["padded"]) == (2, 0, 0)
    assert result["chance"]["finetuned"] == {"accuracy": 0.5, "mean_class_accuracy": 0.5}
    for source in ("pretrained", "random"):
        assert set(result[source]) == {"finetuned_1_label_a_class", "finetuned"}
        row = result[source]["finetuned"]
        assert row["accuracy"] == 1.0
        assert row["accuracy_std"] == 0.0
        assert row["confusion"] == [[4, 0], [0, 4]]
        assert [draw["accuracy"] for draw in row["draws"]] == [1.0, 1.0]
        assert row["draws"][0]["loss"] != row["draws"][1]["loss"]
    assert len(list((weights / "finetuning").iterdir())) == 8
    assert result["options"]["finetuning"]["schedule"]["epochs"] == 3


def test_an_interrupted_command_prints_the_command_that_resumes(weights: Path, data: Path) -> None:
    options = ("--label", "light", "--draws", "2", "--jobs", "2", *QUICK.replace("clips 8", "clips 2").split())
    process = start(*_arguments(weights, data, *options))
    deadline = time.monotonic() + 60
    while not list((weights / "finetuning").glob("*.pt")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGTERM)
    code, line = finish_process(process)
    assert code == 128 + signal.SIGTERM
    assert "features, finished folds and finished epochs of finetuning are saved; resume with: " in line
    assert shlex.split(line.partition("with: ")[2])[3:] == _arguments(weights, data, *options)
    assert not (weights / "results").exists()


def test_an_interrupted_protocol_without_a_cache_prints_the_command_that_restarts(
    weights: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("avgdt.evaluation.evaluate.write_result", stop)
    arguments = ["evaluate", "knn", "--weights", str(weights), "--data", str(data), "--label", "light"]
    assert main(arguments) == 130
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("avgdt: stopped by SIGINT; no result was written; restart with: avgdt evaluate knn ")
    monkeypatch.undo()
    assert main(shlex.split(line.partition("with: ")[2])[1:]) == 0


def test_errors_are_reported_in_one_line(
    weights: Path, data: Path, entries: list[Entry], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice, lost = tmp_path / "twice.csv", tmp_path / "lost.csv"
    write_manifest([*entries, replace(entries[0], extra={**entries[0].extra, "split": "test"})], twice)
    broken = [tmp_path / f"dark{i}.mkv" for i in (4, 5)]
    for path in broken:
        path.write_text("no recording, but it was one when it was listed")
    moved = {path.name: path for path in broken}
    write_manifest([replace(e, path=moved.get(e.path.name, e.path)) for e in entries], lost)
    untested = tmp_path / "untested.csv"
    write_manifest([e for e in entries if e.extra["split"] != "test"], untested)
    for where, options, message in (
        (data, ("--label", "colour"), "the data has no column 'colour'"),
        (data, ("--label", "light", "--shots", "4"), "class 'bright' has only 3 examples in train, not 4"),
        (data, ("--label", "light", "--draws", "0"), "draws: 0 is too few"),
        (data, ("--label", "light", "--jobs", "0"), "jobs: 0 is too few"),
        (data, ("--label", "light", "--finetuning.clips", "0"), "finetuning.clips: 0 is too small"),
        (data, ("--label", "light", "--setting", "papr"), "--setting 'papr' is unknown; did you mean 'paper'?"),
        (twice, ("--label", "light"), "is in the splits 'train' and 'test'"),
        (lost, ("--label", "light", *QUICK.split()), "class 'dark': none of its test recordings can be read"),
        (untested, ("--label", "light"), "split: no row has split 'test'; the column 'split' has: train (6), val (2)"),
        (tmp_path / "no.csv", ("--label", "light"), "no such file"),
    ):
        assert main(_arguments(weights, where, *options)) == 2, options
        (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("avgdt: ")]
        assert message in line
