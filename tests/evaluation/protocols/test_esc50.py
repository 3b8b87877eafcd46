"""Tests of the protocols ESC-10 and ESC-50 through the command line, on data sets in the official layout."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avgdt.cli.main import main
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.linear_layer import linear_layer_fold
from avgdt.evaluation.metrics import FoldScore
from avgdt.models.pretrained import untrained
from avgdt.models.weights import save_weights
from avgdt.recipes.config import to_plain
from avgdt.recipes.recipe import Recipe
from tests.helpers.esc50 import read_list, write_esc50, write_list

FOLDS = ("--folds", "1", "2", "3")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_esc50(tmp_path_factory.mktemp("data") / "esc")


@pytest.fixture
def weights(recipe: Recipe, tmp_path: Path) -> Path:
    return _weights(recipe, tmp_path / "run")


def _weights(recipe: Recipe, folder: Path, claimed: Recipe | None = None) -> Path:
    folder.mkdir()
    phi = untrained(recipe, seed=1).phi
    save_weights(folder / "weights.safetensors", phi, to_plain(claimed or recipe), "pretrain")
    return folder


def _evaluate(protocol: str, weights: Path, data: Path, out: Path, *options: str) -> dict[str, Any]:
    command = ["evaluate", protocol, "--weights", str(weights), "--data", str(data), "--out", str(out), *options]
    assert main([*command, "--device", "cpu"]) == 0
    result: dict[str, Any] = json.loads((out / "results" / f"{protocol}.json").read_text())
    return result


def _printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["evaluate", *arguments]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("avgdt: ")]
    return line


def test_the_command_measures_all_folds_and_prints_a_table(
    weights: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = _evaluate("esc10", weights, folder, tmp_path / "out", *FOLDS, "--scratch", "--training-epochs", "2")
    assert result["options"]["folds"] == [1, 2, 3]
    assert result["sizes"] == {"sounds": 12, "classes": 2, "folds": 3}
    assert result["classes"] == ["dog", "rain"]
    assert result["dimensions"] == 32 * 1 * 3
    assert (result["padded"], result["skipped"], result["unlisted"]) == (0, [], [])
    rows = ["linear_layer", "logistic_regression", "nearest_neighbours"]
    assert list(result["pretrained"]) == rows
    assert list(result["random"]) == [*rows, "end_to_end"]
    assert list(result["chance"]) == [*rows, "end_to_end"]
    for source in ("pretrained", "random"):
        # The tones are an octave apart, so any features of audio distinguish the classes.
        assert result[source]["logistic_regression"]["accuracy"] == 1.0
        for row in rows:
            assert [one["fold"] for one in result[source][row]["folds"]] == ["1", "2", "3"]
            assert sum(map(sum, result[source][row]["confusion"])) == 12
    table = capsys.readouterr().out
    assert "12 sounds, 2 classes, 3 folds" in table
    assert [line for line in table.splitlines() if "end to end" in line and "–" in line]
    # The second call uses the cached features, gives the same metrics, and replaces the result.
    again = _evaluate("esc10", weights, folder, tmp_path / "out", *FOLDS, "--scratch", "--training-epochs", "2")
    cache = tmp_path / "out" / "cache"
    assert len(list(cache.glob("*.safetensors"))) == 2
    assert len(list(cache.glob("fold-*.json"))) == (3 + 4) * 3
    assert {k: again[k] for k in ("pretrained", "random", "earlier")} == {
        "pretrained": result["pretrained"],
        "random": result["random"],
        "earlier": [],
    }
    tested = _evaluate("esc10", weights, folder, tmp_path / "out", *FOLDS, "--test-folds", "3")
    assert tested["sizes"]["folds"] == 1
    assert tested["pretrained"]["linear_layer"]["folds"] == result["pretrained"]["linear_layer"]["folds"][2:]


def test_after_an_interruption_finished_folds_are_taken_from_the_cache(
    weights: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _evaluate("esc10", weights, folder, tmp_path / "whole", *FOLDS)
    expected = [line for line in capsys.readouterr().err.splitlines() if " weights: accuracy " in line]
    assert len(expected) == 2 * 3 * 3
    assert expected[0].startswith("linear layer, fold 1, pretrained weights: accuracy ")
    computed, stop = list[str](), True

    def test(features: Any, folds: Folds, fold: Fold, epochs: int, seed: int) -> FoldScore:
        if stop and len(computed) == 2:
            raise KeyboardInterrupt
        computed.append(fold.name)
        return linear_layer_fold(features, folds, fold, epochs, seed)

    monkeypatch.setattr("avgdt.evaluation.protocols.esc50.linear_layer_fold", test)
    out = tmp_path / "out"
    command = ["evaluate", "esc10", "--weights", str(weights), "--data", str(folder), "--out", str(out), *FOLDS]
    assert main([*command, "--device", "cpu"]) == 130
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if " weights: accuracy " in line] == expected[:2]
    assert "features, finished folds and finished epochs of finetuning are saved; resume with: " in lines[-1]
    stop = False
    resumed = _evaluate("esc10", weights, folder, out, *FOLDS)
    assert computed == ["1", "2", "3", *"123"]
    assert [line for line in capsys.readouterr().err.splitlines() if " weights: accuracy " in line] == expected
    assert all(resumed[source] == whole[source] for source in ("pretrained", "random"))


def test_esc50_uses_all_classes_and_accepts_audio_networks(recipe: Recipe, folder: Path, tmp_path: Path) -> None:
    audio = replace(recipe, composition=Composition(Modality(("audio",)), Repeats(2), partners="equal"))
    weights = _weights(audio, tmp_path / "run")
    result = _evaluate(
        "esc50", weights, folder, weights, *FOLDS, "--no-cache", "--epochs", "0", "--finetune", "--training-epochs", "2"
    )
    assert result["classes"] == ["clock", "dog", "rain"]
    assert result["sizes"]["sounds"] == 18
    for one in result["pretrained"]["linear_layer"]["folds"]:
        assert [tried["epochs"] for tried in one["tried"]] == [10, 25, 50, 100, 200, 400]
    assert "end_to_end" in result["pretrained"]
    assert "end_to_end" not in result["random"]
    assert [path.name for path in (weights / "cache").iterdir()] == ["inspected.csv"]


def test_missing_broken_and_unlisted_files_are_listed(weights: Path, tmp_path: Path) -> None:
    data = write_esc50(tmp_path / "esc")
    missing, broken = sorted((data / "audio").glob("1-*"))[0], sorted((data / "audio").glob("2-*"))[1]
    missing.unlink()
    broken.write_text("no sound")
    (data / "audio" / "more.wav").write_text("x")
    result = _evaluate("esc10", weights, data, tmp_path / "out", *FOLDS, "--epochs", "1")
    assert {Path(one["path"]).name for one in result["skipped"]} == {missing.name, broken.name}
    assert [one["reason"] for one in result["skipped"] if missing.name in one["path"]] == [
        "in meta/esc50.csv, but not in audio/"
    ]
    assert [Path(path).name for path in result["unlisted"]] == ["more.wav"]
    assert result["sizes"]["sounds"] == 10


def test_unusable_data_is_reported(
    weights: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--weights", str(weights), "--data", str(folder)]
    assert "esc50.csv: does not exist" in _printed(capsys, "esc10", "--weights", str(weights), "--data", str(tmp_path))
    assert "fold 4: no readable recording is present" in _printed(capsys, "esc10", *command)
    assert "folds: 2; at least three different" in _printed(capsys, "esc50", *command, "--folds", "2")
    assert "epochs: -1 is too few" in _printed(capsys, "esc50", *command, "--epochs", "-1")
    data = write_esc50(tmp_path / "esc")
    rows = read_list(data)
    write_list(data, [row for row in rows if (row[1], row[3]) != ("2", "dog")])
    command = ["--weights", str(weights), "--data", str(data), *FOLDS]
    assert "fold 2: has no recording of class 'dog'" in _printed(capsys, "esc10", *command)
    write_list(data, [[row[0], "3", *row[2:]] if row[1] == "2" else row for row in rows])
    assert "belongs to fold 2 by its name, but is listed in fold 3" in _printed(capsys, "esc10", *command)
    write_list(data, rows)
    for path in (data / "audio").glob("3-*"):
        path.write_text("no sound")
    assert "fold 3: no readable recording is present" in _printed(capsys, "esc10", *command)


def test_incompatible_weights_are_reported(
    recipe: Recipe, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = _weights(
        replace(recipe, composition=Composition(Modality(("video",)), Repeats(2), partners="equal")), tmp_path / "video"
    )
    line = _printed(capsys, "esc10", "--weights", str(video), "--data", str(folder))
    assert "these weights have networks for video, not for audio" in line
    wider = replace(recipe, model=replace(recipe.model, audio=replace(recipe.model.audio, width=8)))
    other = _weights(recipe, tmp_path / "other", claimed=wider)
    assert "weights of another architecture" in _printed(
        capsys, "esc10", "--weights", str(other), "--data", str(folder)
    )


def test_a_single_fold_is_divided_into_parts(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_esc50(tmp_path / "esc", folds=(4,), per_class=3)
    rows = read_list(data)
    write_list(data, [[*row[:5], rows[0][5], *row[6:]] if row[3] == rows[0][3] else row for row in rows])
    result = _evaluate("esc50_fold", weights, data, tmp_path / "out", "--epochs", "10")
    assert result["sizes"] == {"sounds": 6, "classes": 2, "folds": 3}
    assert rows[0][3] not in result["classes"]
    assert [one["reason"] for one in result["skipped"]] == [
        f"class '{rows[0][3]}' has only 1 of the 3 sources needed in this fold"
    ] * 3
    assert [fold["fold"] for fold in result["pretrained"]["linear_layer"]["folds"]] == ["1", "2", "3"]
    command = ("--weights", str(weights), "--data", str(data))
    assert "parts: 2 is too few" in _printed(capsys, "esc50_fold", *command, "--parts", "2")
    assert "lists no sound of fold 3" in _printed(capsys, "esc50_fold", *command, "--fold", "3")
