"""Tests of the protocols UCF101 and HMDB51 through the command line, on data sets in the official layouts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avgdt.cli.main import main
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats
from avgdt.data.manifest import Entry
from avgdt.data.scan import scan_missing
from avgdt.models.pretrained import untrained
from avgdt.models.weights import save_weights
from avgdt.recipes.config import to_plain
from avgdt.recipes.model import Model
from avgdt.recipes.recipe import Recipe
from tests.helpers.hmdb51 import write_hmdb51
from tests.helpers.ucf101 import write_ucf101

QUICK = "--finetuning.schedule.epochs 2 --finetuning.schedule.warmup-epochs 1 --finetuning.schedule.shape cosine \
--finetuning.optimiser.kind adamw --finetuning.optimiser.lr 3e-3 --finetuning.clips 2 --finetuning.test-clips 2"
WRITERS = {"ucf101": write_ucf101, "hmdb51": write_hmdb51}


@pytest.fixture
def weights(recipe: Recipe, tmp_path: Path) -> Path:
    return _weights(recipe, tmp_path / "run")


def _weights(recipe: Recipe, folder: Path) -> Path:
    folder.mkdir()
    save_weights(folder / "weights.safetensors", untrained(recipe, seed=1).phi, to_plain(recipe), "pretrain")
    return folder


def _arguments(protocol: str, weights: Path, data: Path, *options: str) -> list[str]:
    return ["evaluate", protocol, "--weights", str(weights), "--data", str(data), "--device", "cpu", *options]


@pytest.mark.parametrize("protocol", ["ucf101", "hmdb51"])
def test_the_command_measures_all_splits_and_prints_a_table(
    protocol: str, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer: Callable[..., Path] = WRITERS[protocol]
    data = writer(tmp_path / "data", frames=30)
    assert main(_arguments(protocol, weights, data, "--shots", "1", "0", *QUICK.split())) == 0
    printed = capsys.readouterr()
    assert "finetuned 1 label a class" in printed.out
    for row in ("linear probe", "finetuned", "finetuned 1 label a class"):
        assert printed.err.count(f"\n{row}, fold ") + printed.err.startswith(f"{row}, fold ") == 2 * 3
    assert "retrieval, fold 3, random weights: r1 " in printed.err
    result: dict[str, Any] = json.loads((weights / "results" / f"{protocol}.json").read_text())
    assert result["sizes"] == {"recordings": {"ucf101": 24, "hmdb51": 12}[protocol], "classes": 3, "splits": 3}
    assert result["skipped"] == result["unlisted"] == []
    for source in ("pretrained", "random"):
        rows = result[source]
        assert list(rows) == ["finetuned", "finetuned_1_label_a_class", "linear_probe", "retrieval"]
        for row in ("linear_probe", "finetuned"):
            assert [fold["fold"] for fold in rows[row]["folds"]] == ["1", "2", "3"]
            assert sum(map(sum, rows[row]["confusion"])) == {"ucf101": 18, "hmdb51": 9}[protocol]
        assert rows["linear_probe"]["accuracy"] > 0.8  # the classes are shades of grey
        assert 0 < rows["retrieval"]["r1"] <= rows["retrieval"]["r5"] <= rows["retrieval"]["r20"]
        assert rows["retrieval"]["r20"] == 1.0  # a split has fewer than twenty training videos
    assert result["chance"]["finetuned"] == {"accuracy": pytest.approx(1 / 3)}
    assert 0.2 < result["chance"]["retrieval"]["r1"] < 0.4
    assert len(list((weights / "finetuning").iterdir())) == 2 * 2 * 3


def test_a_single_split_reuses_the_cached_finetuning(weights: Path, tmp_path: Path) -> None:
    data = write_ucf101(tmp_path / "data", frames=30)
    options = ("--no-frozen", *QUICK.split())
    for split in ("2", "1"):
        assert main(_arguments("ucf101", weights, data, "--splits", split, *options)) == 0
    single = json.loads((weights / "results" / "ucf101.json").read_text())
    assert "accuracy_std" not in single["pretrained"]["finetuned"]
    times_before = {path: path.stat().st_mtime_ns for path in (weights / "finetuning").iterdir()}
    assert main(_arguments("ucf101", weights, data, "--splits", "1", "2", *options)) == 0
    assert {path: path.stat().st_mtime_ns for path in (weights / "finetuning").iterdir()} == times_before
    both = json.loads((weights / "results" / "ucf101.json").read_text())
    assert len(both["earlier"]) == 2
    assert main(_arguments("ucf101", weights, data, "--splits", "1", "2", "--jobs", "2", *options)) == 0
    assert len(json.loads((weights / "results" / "ucf101.json").read_text())["earlier"]) == 2
    assert both["pretrained"]["finetuned"]["folds"][0] == single["pretrained"]["finetuned"]["folds"][0]


def test_errors_are_reported_in_one_line(
    weights: Path, recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_ucf101(tmp_path / "data", frames=3)
    listless = write_ucf101(tmp_path / "listless", frames=3)
    (listless / "ucfTrainTestlist" / "testlist02.txt").unlink()
    composition = Composition(Modality(("audio",)), Repeats(2), partners="equal")
    deaf = replace(recipe, model=Model(head=recipe.model.head), composition=composition)
    sounds = _weights(deaf, tmp_path / "sounds")
    for where, own, options, message in (
        (data, weights, ("--splits", "4"), "split: 4 does not exist; use 1, 2 or 3"),
        (data, weights, ("--splits", "1", "1"), "splits: (1, 1) must be distinct numbers"),
        (data, weights, ("--jobs", "0"), "jobs: 0 is too few"),
        (data, weights, ("--no-frozen", "--no-finetune"), "both are off"),
        (data, weights, ("--shots", "7"), "class 'ApplyEyeMakeup' has only 6 examples in train, not 7"),
        (data, sounds, (), "modality: these weights have networks for audio, not for video"),
        (tmp_path, weights, (), "ucfTrainTestlist: no such folder; --data takes UCF101's folder"),
        (listless, weights, (), "testlist02.txt: does not exist"),
    ):
        assert main(_arguments("ucf101", own, where, *options)) == 2, options
        (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("avgdt: ")]
        assert message in line
    assert not list((weights / "cache").glob("*.safetensors"))  # reported before features are extracted


@pytest.mark.parametrize("part", ["test", "train"])
def test_a_class_that_becomes_unreadable_after_the_scan_is_reported(
    part: str, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_ucf101(tmp_path / "data", frames=30)
    lists = (data / "ucfTrainTestlist" / f"{part}list01.txt").read_text().split()

    def scan_and_break(*arguments: Any, **options: Any) -> list[Entry]:
        entries = scan_missing(*arguments, **options)
        for name in lists:
            if "YoYo" in name:
                (data / "UCF-101" / name).write_text("no recording, but it was one when it was listed")
        return entries

    monkeypatch.setattr("avgdt.evaluation.comparison.scan_missing", scan_and_break)
    arguments = _arguments("ucf101", weights, data, "--splits", "1", "--no-frozen", *QUICK.split())
    assert main(arguments) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("avgdt: ")]
    assert f"class 'YoYo': none of its {part} recordings can be read" in line
