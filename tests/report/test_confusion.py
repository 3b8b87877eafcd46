from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from avgdt.evaluation.metrics import Score, score_metrics
from avgdt.evaluation.results import write_result
from avgdt.report.confusion import ClassAccuracy, Pair, confusion
from avgdt.report.images import PALETTE
from tests.report.conftest import RESULT, report
from tests.report.reading import content


def result(run: Any, random: Any, names: list[str]) -> dict[str, Any]:
    """Return the result of a linear probe with the given confusion matrices."""
    results = {
        source: score_metrics(Score(np.array(one)), names) for source, one in (("pretrained", run), ("random", random))
    }
    return {**RESULT, **results, "classes": names}


def many(classes: int) -> dict[str, Any]:
    """Return a confusion matrix with a large diagonal, in which class i is predicted i times as class i + 1."""
    names = [f"class {i}" for i in range(classes)]
    run = np.eye(classes, dtype=int) * 200
    run[np.arange(classes - 1), np.arange(1, classes)] = np.arange(classes - 1)
    return result(run, np.ones((classes, classes), dtype=int), names)


def test_the_confusion_matrix_of_two_classes_is_a_table() -> None:
    drawn = confusion(result([[3, 1], [0, 2]], [[2, 2], [1, 1]], ["a", "b"]))
    assert drawn
    assert [(one.title, one.accuracy) for one in drawn.matrices] == [
        ("This run", "83.3\u202f%"),
        ("Random weights", "50.0\u202f%"),
    ]
    assert [(n.x, n.y, n.text, n.bright) for n in drawn.matrices[0].numbers] == [
        (0.25, 0.25, "75", True),
        (0.75, 0.25, "25", False),
        (0.75, 0.75, "100", True),
    ]
    assert drawn.classes == (
        ClassAccuracy("a", 4, "75.0\u202f%", "50.0\u202f%"),
        ClassAccuracy("b", 2, "100.0\u202f%", "50.0\u202f%"),
    )
    assert [group.name for group in drawn.ranges] == ["a", "b"]
    assert drawn.pairs == ()


def test_pixels_are_square_roots_of_the_fractions_of_each_row() -> None:
    drawn = confusion(result([[3, 1], [0, 2]], [[1, 0], [0, 1]], ["a", "b"]))
    assert drawn
    with av.open(io.BytesIO(content(drawn.matrices[0].image, "image/png"))) as file:
        pixels = next(file.decode(video=0)).to_ndarray(format="rgb24")
    np.testing.assert_array_equal(pixels, PALETTE[[[221, 128], [0, 255]]])


@pytest.mark.parametrize(
    ("classes", "numbers", "names", "pairs"), [(12, 12 + 10, 12, 0), (24, 0, 24, 10), (101, 0, 0, 10)]
)
def test_many_classes_are_listed_by_their_most_frequent_confusions(
    classes: int, numbers: int, names: int, pairs: int
) -> None:
    drawn = confusion(many(classes))
    assert drawn
    assert [len(drawn.matrices[0].numbers), len(drawn.ranges), len(drawn.pairs)] == [numbers, names, pairs]
    if pairs:
        assert drawn.pairs[0] == Pair(f"class {classes - 2}", f"class {classes - 1}", classes - 2, 198 + classes)
    assert drawn.classes[0].name == f"class {classes - 2}"
    assert len(drawn.classes) == classes


def test_the_accuracy_of_a_class_without_test_examples_is_shown_as_missing() -> None:
    drawn = confusion(result([[2, 0], [0, 0]], [[2, 0], [0, 0]], ["a", "b"]))
    assert drawn
    assert drawn.classes[-1] == ClassAccuracy("b", 0, "–", "–")


def test_the_main_row_of_a_result_is_drawn() -> None:
    rows = {"linear_layer": [[1, 0], [0, 1]], "logistic_regression": [[0, 1], [1, 0]]}
    results = {name: score_metrics(Score(np.array(one)), ["a", "b"]) for name, one in rows.items()}
    chance = {name: {"accuracy": 0.5} for name in rows}
    drawn = confusion({**RESULT, "protocol": "esc10", "pretrained": results, "random": {}, "chance": chance})
    assert drawn
    assert drawn.row == "linear layer"
    assert [one.accuracy for one in drawn.matrices] == ["100.0\u202f%"]
    assert drawn.classes[0].random == "–"


def test_results_without_a_confusion_matrix_are_omitted() -> None:
    assert confusion(RESULT) is None
    assert confusion({**RESULT, "chance": {"video_to_audio": {"r1": 0.1}}}) is None


def test_the_page_contains_the_confusion_matrix(make_run: Callable[..., Path]) -> None:
    folder = make_run(weights=False)
    write_result(many(101), folder)
    write_result({**result([[3, 1], [0, 2]], [[2, 2], [1, 1]], ["<b>", "&"]), "options": {"modality": "audio"}}, folder)
    page = report(folder)
    assert "#confusion" in page.values("href")
    assert "class 99 predicted as class 100, 99 of 299" in re.sub(r"\s+", " ", page.words)
    assert ["<b>", "75.0\u202f%", "50.0\u202f%", "4"] in page.rows
    assert sum("Confusion matrix of" in label for label in page.values("aria-label")) == 4
    assert all(content(one["href"], "image/png") for one in page.all("image"))
    assert "b" not in {tag for tag, attributes in page.elements if "class" in attributes}
