"""Tests of the protocol DCASE2014 through the command line, on a data set in the official layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from avgdt.cli.main import main
from avgdt.data.benchmarks.dcase2014 import CLASSES
from avgdt.models.pretrained import untrained
from avgdt.models.weights import save_weights
from avgdt.recipes.config import to_plain
from avgdt.recipes.recipe import Recipe
from tests.helpers.dcase2014 import write_dcase2014


@pytest.fixture
def weights(recipe: Recipe, tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_weights(path, untrained(recipe, seed=1).phi, to_plain(recipe), "pretrain")
    return path


def test_the_command_measures_the_data_set_and_prints_a_table(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = write_dcase2014(tmp_path / "dcase"), tmp_path / "out"
    broken = data / "scenes_stereo" / "tube01.wav"
    broken.write_text("no sound")
    (data / "scenes_stereo" / "notes.txt").write_text("x")
    command = ["evaluate", "dcase2014", "--weights", str(weights), "--data", str(data), "--out", str(out)]
    assert main([*command, "--finetune", "--training-epochs", "2", "--device", "cpu"]) == 0
    result = json.loads((out / "results" / "dcase2014.json").read_text())
    assert result["sizes"] == {"train": 29, "test": 20, "classes": 10}
    assert tuple(result["classes"]) == CLASSES
    assert result["dimensions"] == 32 * 1 * 1
    assert [Path(one["path"]).name for one in result["skipped"]] == [broken.name]
    assert [Path(path).name for path in result["unlisted"]] == ["notes.txt"]
    rows = ["linear_svm", "nearest_neighbours"]
    assert list(result["pretrained"]) == list(result["chance"]) == [*rows, "end_to_end"]
    assert list(result["random"]) == rows
    assert {row["accuracy"] for row in result["chance"].values()} == {1 / 10}
    for source in ("pretrained", "random"):
        for row in rows:
            metrics = result[source][row]
            assert sum(map(sum, metrics["confusion"])) == 20
            assert "accuracy_std" not in metrics  # a single fold has no standard deviation
            assert metrics["interval"][0] < metrics["accuracy"] <= metrics["interval"][1]
        # Each class has its own pitch, so any features of audio distinguish most recordings.
        assert result[source]["nearest_neighbours"]["accuracy"] >= 0.7
    assert "29 train, 20 test, 10 classes, 1 skipped, 1 unlisted" in " ".join(capsys.readouterr().out.split())
    assert len(list((out / "cache").glob("*.safetensors"))) == 2
    assert len(list((out / "cache").glob("fold-*.json"))) == 2 * 2 + 1


def test_unusable_data_is_reported(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_dcase2014(tmp_path / "dcase", seconds=0.1)
    for path in (data / "scenes_stereo").glob("bus*"):
        path.write_text("no sound")
    assert main(["evaluate", "dcase2014", "--weights", str(weights), "--data", str(data)]) == 2
    assert "class 'bus' is in test but not in train" in capsys.readouterr().err
