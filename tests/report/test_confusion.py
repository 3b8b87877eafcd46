from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from avgdt.evaluation.metrics import Score, score_figures
from avgdt.evaluation.results import write_result
from avgdt.report.colours import PALETTE
from avgdt.report.confusion import Class, Pair, confusion
from avgdt.report.page import write_report
from tests.report.conftest import RESULT
from tests.report.reading import content, read_page


def result(run: Any, random: Any, names: list[str]) -> dict[str, Any]:
    """A linear probe with these confusions."""
    told = {
        source: score_figures(Score(np.array(one)), names) for source, one in (("pretrained", run), ("random", random))
    }
    return {**RESULT, **told, "classes": names}


def many(classes: int) -> dict[str, Any]:
    """Mostly right, each class taken for the next as often as its number says."""
    names = [f"class {i}" for i in range(classes)]
    run = np.eye(classes, dtype=int) * 200
    run[np.arange(classes - 1), np.arange(1, classes)] = np.arange(classes - 1)
    return result(run, np.ones((classes, classes), dtype=int), names)


def test_two_classes() -> None:
    told = confusion(result([[3, 1], [0, 2]], [[2, 2], [1, 1]], ["a", "b"]))
    assert told
    assert [(one.title, one.right) for one in told.squares] == [
        ("This run", "83.3\u202f%"),
        ("Random weights", "50.0\u202f%"),
    ]
    assert [(n.x, n.y, n.text, n.bright) for n in told.squares[0].numbers] == [
        (0.25, 0.25, "75", True),
        (0.75, 0.25, "25", False),
        (0.75, 0.75, "100", True),
    ]
    assert told.classes == (Class("a", 4, "75.0\u202f%", "50.0\u202f%"), Class("b", 2, "100.0\u202f%", "50.0\u202f%"))
    assert [group.name for group in told.groups] == ["a", "b"]
    assert told.pairs == ()


def test_the_picture_holds_the_roots_of_the_shares_of_each_row() -> None:
    told = confusion(result([[3, 1], [0, 2]], [[1, 0], [0, 1]], ["a", "b"]))
    assert told
    with av.open(io.BytesIO(content(told.squares[0].image, "image/png"))) as file:
        pixels = next(file.decode(video=0)).to_ndarray(format="rgb24")
    np.testing.assert_array_equal(pixels, PALETTE[[[221, 128], [0, 255]]])


@pytest.mark.parametrize(
    ("classes", "numbers", "names", "pairs"), [(12, 12 + 10, 12, 0), (24, 0, 24, 10), (101, 0, 0, 10)]
)
def test_many_classes_are_told_by_their_worst_pairs(classes: int, numbers: int, names: int, pairs: int) -> None:
    told = confusion(many(classes))
    assert told
    assert [len(told.squares[0].numbers), len(told.groups), len(told.pairs)] == [numbers, names, pairs]
    if pairs:
        assert told.pairs[0] == Pair(f"class {classes - 2}", f"class {classes - 1}", classes - 2, 198 + classes)
    assert told.classes[0].name == f"class {classes - 2}"
    assert len(told.classes) == classes


def test_a_class_that_was_never_asked_about() -> None:
    told = confusion(result([[2, 0], [0, 0]], [[2, 0], [0, 0]], ["a", "b"]))
    assert told
    assert told.classes[-1] == Class("b", 0, "–", "–")


def test_of_several_rows_the_first_is_shown() -> None:
    rows = {"linear_layer": [[1, 0], [0, 1]], "logistic_regression": [[0, 1], [1, 0]]}
    figures = {name: score_figures(Score(np.array(one)), ["a", "b"]) for name, one in rows.items()}
    chance = {name: {"accuracy": 0.5} for name in rows}
    told = confusion({**RESULT, "protocol": "esc10", "pretrained": figures, "random": {}, "chance": chance})
    assert told
    assert told.row == "linear layer"
    assert [one.right for one in told.squares] == ["100.0\u202f%"]
    assert told.classes[0].random == "–"


def test_results_without_confusion() -> None:
    assert confusion(RESULT) is None
    assert confusion({**RESULT, "chance": {"video_to_audio": {"r1": 0.1}}}) is None


def test_on_the_page(make_run: Callable[..., Path]) -> None:
    folder = make_run(weights=False)
    write_result(many(101), folder)
    write_result({**result([[3, 1], [0, 2]], [[2, 2], [1, 1]], ["<b>", "&"]), "options": {"modality": "audio"}}, folder)
    page = read_page(write_report(folder))
    assert "#confusions" in page.values("href")
    assert "class 99 for class 100, 99 of 299" in re.sub(r"\s+", " ", page.words)
    assert ["<b>", "75.0\u202f%", "50.0\u202f%", "4"] in page.rows
    assert sum("Confusion of" in told for told in page.values("aria-label")) == 4
    assert all(content(one["href"], "image/png") for one in page.all("image"))
    assert "b" not in {tag for tag, attributes in page.elements if "class" in attributes}
