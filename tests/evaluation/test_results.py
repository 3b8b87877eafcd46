from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.results import check_place, read_folder, read_results, write_result


def result(protocol: str = "linear", label: str = "digit", accuracy: float = 0.5) -> dict[str, Any]:
    return {"protocol": protocol, "options": {"label": label}, "pretrained": {"accuracy": accuracy}, "é": ["ü"]}


def test_round_trip(tmp_path: Path) -> None:
    path = write_result(result(), tmp_path)
    assert path == tmp_path / "results" / "linear.json"
    assert json.loads(path.read_text("utf-8"))["pretrained"] == {"accuracy": 0.5}
    assert read_results(path) == [result()]


def test_other_options_are_kept_and_equal_ones_replaced(tmp_path: Path) -> None:
    for label, accuracy in (("digit", 0.1), ("letter", 0.2), ("digit", 0.3), ("command", 0.4)):
        path = write_result(result(label=label, accuracy=accuracy), tmp_path)
    found = [(r["options"]["label"], r["pretrained"]["accuracy"]) for r in read_results(path)]
    assert found == [("command", 0.4), ("digit", 0.3), ("letter", 0.2)]
    write_result(result("knn"), tmp_path)
    assert [r["protocol"] for r in read_folder(tmp_path)] == ["knn", "linear", "linear", "linear"]


def test_other_data_and_other_weights_are_kept(tmp_path: Path) -> None:
    for weights, data in (("a", "x"), ("b", "x"), ("a", "y"), ("./a", "x")):
        path = write_result({**result(), "weights": weights, "data": data}, tmp_path)
    assert [(r["weights"], r["data"]) for r in read_results(path)] == [("./a", "x"), ("a", "y"), ("b", "x")]


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    check_place("linear", tmp_path / "new" / "run")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("x")
    for where in ("file", "file/below"):
        with pytest.raises(EvaluationError, match="file: results cannot be written here; choose another --out"):
            check_place("linear", tmp_path / where)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "linear.json").write_text("mine")
    with pytest.raises(EvaluationError, match="not a result of an evaluation; move it away"):
        check_place("linear", tmp_path)


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = write_result(result(), tmp_path)
    with pytest.raises(ValueError):
        write_result(result(accuracy=float("nan")), tmp_path)
    with pytest.raises(TypeError):
        write_result({**result(), "bad": object()}, tmp_path)
    assert read_results(path) == [result()]
    assert [p.name for p in path.parent.iterdir()] == ["linear.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", '{"protocol": "linear", "earlier": []}'])
def test_a_strange_file_is_named_and_not_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results" / "linear.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(EvaluationError, match=r"linear\.json"):
        write_result(result(), tmp_path)
    assert path.read_text() == text


def test_names_that_are_no_text_are_kept(tmp_path: Path) -> None:
    odd = {**result(), "unlisted": [b"caf\xe9.avi".decode("utf-8", "surrogateescape")]}
    assert read_results(write_result(odd, tmp_path)) == [odd]
