from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.protocols.actions import Ucf101
from avgdt.evaluation.results import (
    check_writable,
    format_sizes,
    metrics_line,
    plain_options,
    read_folder,
    read_results,
    result_table,
    write_result,
)
from avgdt.recipes.finetuning import FINETUNINGS


def result(protocol: str = "linear", label: str = "digit", accuracy: float = 0.5) -> dict[str, Any]:
    return {"protocol": protocol, "options": {"label": label}, "pretrained": {"accuracy": accuracy}, "é": ["ü"]}


def test_a_result_is_read_back_unchanged(tmp_path: Path) -> None:
    path = write_result(result(), tmp_path)
    assert path == tmp_path / "results" / "linear.json"
    assert json.loads(path.read_text("utf-8"))["pretrained"] == {"accuracy": 0.5}
    assert read_results(path) == [result()]


def test_a_result_replaces_only_one_with_the_same_options(tmp_path: Path) -> None:
    for label, accuracy in (("digit", 0.1), ("letter", 0.2), ("digit", 0.3), ("command", 0.4)):
        path = write_result(result(label=label, accuracy=accuracy), tmp_path)
    results = [(r["options"]["label"], r["pretrained"]["accuracy"]) for r in read_results(path)]
    assert results == [("command", 0.4), ("digit", 0.3), ("letter", 0.2)]
    write_result(result("knn"), tmp_path)
    assert [r["protocol"] for r in read_folder(tmp_path)] == ["knn", "linear", "linear", "linear"]


def test_results_of_other_data_and_other_weights_are_kept(tmp_path: Path) -> None:
    for weights, data in (("a", "x"), ("b", "x"), ("a", "y"), ("./a", "x")):
        path = write_result({**result(), "weights": weights, "data": data}, tmp_path)
    assert [(r["weights"], r["data"]) for r in read_results(path)] == [("./a", "x"), ("a", "y"), ("b", "x")]


def test_an_output_that_cannot_be_written_raises_an_error_in_advance(tmp_path: Path) -> None:
    check_writable("linear", tmp_path / "new" / "run")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("x")
    for where in ("file", "file/below"):
        with pytest.raises(EvaluationError, match="file: results cannot be written here; choose another --out"):
            check_writable("linear", tmp_path / where)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "linear.json").write_text("mine")
    with pytest.raises(EvaluationError, match=": not the result of an evaluation; move the file elsewhere"):
        check_writable("linear", tmp_path)


def test_a_failed_write_keeps_the_old_results(tmp_path: Path) -> None:
    path = write_result(result(), tmp_path)
    with pytest.raises(ValueError):
        write_result(result(accuracy=float("nan")), tmp_path)
    with pytest.raises(TypeError):
        write_result({**result(), "bad": object()}, tmp_path)
    assert read_results(path) == [result()]
    assert [p.name for p in path.parent.iterdir()] == ["linear.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", '{"protocol": "linear", "earlier": []}'])
def test_an_unrelated_file_is_named_and_not_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results" / "linear.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(EvaluationError, match=r"linear\.json"):
        write_result(result(), tmp_path)
    assert path.read_text() == text


def test_file_names_that_are_not_utf_8_are_read_back_unchanged(tmp_path: Path) -> None:
    odd = {**result(), "unlisted": [b"caf\xe9.avi".decode("utf-8", "surrogateescape")]}
    assert read_results(write_result(odd, tmp_path)) == [odd]


def test_the_table_compares_pretrained_weights_with_random_weights_and_chance() -> None:
    way = {"r1": 0.25, "median_rank": 3.0, "gallery": 50}
    table = result_table(
        {
            "protocol": "retrieval",
            "options": {"label": "", "split": "test"},
            "sizes": {"test": 50},
            "skipped": [{"path": "x", "reason": "y"}],
            "pretrained": {"video_to_audio": way, "interval": [0, 1]},
            "random": {"video_to_audio": {**way, "r1": 0.021}},
            "chance": {"video_to_audio": {"r1": 0.02, "median_rank": 25.5, "gallery": 50}},
        }
    )
    console = Console(width=100, record=True, file=StringIO())
    console.print(table)
    lines = [line.strip("│┃ ").split("│") for line in console.export_text().splitlines()]
    cells = [[cell.strip() for cell in line] for line in lines if len(line) == 4]
    assert cells == [
        ["video to audio r1", "25.0 %", "2.1 %", "2.0 %"],
        ["video to audio median rank", "3.0", "3.0", "25.5"],
    ]
    assert "50 test, 1 skipped" in str(table.caption)


def test_the_table_shows_standard_deviations_and_missing_values() -> None:
    table = result_table(
        {
            "protocol": "esc10",
            "options": {},
            "sizes": {"sounds": 400},
            "skipped": [],
            "unlisted": ["x", "y"],
            "pretrained": {"linear_layer": {"accuracy": 0.62, "accuracy_std": 0.045}},
            "random": {"linear_layer": {"accuracy": 0.6}, "end_to_end": {"accuracy": 0.7, "accuracy_std": 0.0}},
            "chance": {"linear_layer": {"accuracy": 0.1}, "end_to_end": {"accuracy": 0.1}},
        }
    )
    rows = list(zip(*(list(column.cells) for column in table.columns), strict=True))
    assert rows == [
        ("linear layer accuracy", "62.0 % ± 4.5", "60.0 %", "10.0 %"),
        ("end to end accuracy", "–", "70.0 % ± 0.0", "10.0 %"),
    ]
    assert "400 sounds, 2 unlisted" in str(table.caption)


def test_options_are_read_back_from_json_unchanged() -> None:
    options = plain_options(Ucf101(shots=(1, 0), finetuning=FINETUNINGS["released"]()))
    assert json.loads(json.dumps(options)) == options
    assert options["shots"] == [1, 0]
    assert [step["is"] for step in options["finetuning"]["video"]] == ["RandomResizedCrop", "Flip"]


def test_options_without_effect_on_the_result_are_omitted() -> None:
    assert plain_options(Ucf101(jobs=3, cache=False)) == plain_options(Ucf101())


def test_sizes_are_formatted_as_text() -> None:
    assert format_sizes({"sizes": {"train": 384, "val": 96}}) == "384 train, 96 val"
    assert format_sizes({"sizes": {"gallery": 40}}) == "40 in the gallery"


def test_the_line_of_a_fold_contains_its_metrics() -> None:
    metrics = {"fold": "2", "accuracy": 0.4567, "chosen": {"C": 0.1}, "val_accuracy": 0.5, "converged": True}
    line = metrics_line("random", "logistic_regression", "fold 2", metrics)
    assert line == "logistic regression, fold 2, random weights: accuracy 45.7 %, val accuracy 50.0 %, C 0.1"
    line = metrics_line("pretrained", "finetuned", "", {"accuracy": 1.0, "loss": 0.12345, "converged": False, "x": []})
    assert line == "finetuned, pretrained weights: accuracy 100.0 %, loss 0.1235, not converged"
