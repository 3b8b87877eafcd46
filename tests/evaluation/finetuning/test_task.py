from __future__ import annotations

import numpy as np
import pytest

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.finetuning.task import ALL, check_options, draw_shots, shots_name

TARGETS = np.array([0, 1, 0, 1, 2, 2, 0, 1, 2, 2])
CLASSES = ("cat", "dog", "owl")


def _drawn(shots: int, seed: int = 0) -> list[int]:
    return [int(place) for place in draw_shots(TARGETS, CLASSES, shots, np.random.default_rng(seed))]


@pytest.mark.parametrize("shots", [1, 2, 3])
def test_every_class_has_the_requested_number_of_distinct_examples(shots: int) -> None:
    for seed in range(20):
        places = _drawn(shots, seed)
        assert places == sorted(set(places))
        assert np.bincount(TARGETS[places]).tolist() == [shots] * 3


def test_every_example_can_be_drawn_and_all_can_be_requested() -> None:
    assert {place for seed in range(100) for place in _drawn(1, seed)} == set(range(10))
    assert _drawn(ALL) == list(range(10))


def test_too_few_examples_raise_an_error_with_their_class() -> None:
    with pytest.raises(
        EvaluationError, match="class 'cat' has only 3 examples in train, not 4; use fewer shots, or 0 for all"
    ):
        _drawn(4)


@pytest.mark.parametrize("shots", [(), (-1,), (1, 1)])
def test_numbers_of_shots_must_be_distinct(shots: tuple[int, ...]) -> None:
    with pytest.raises(EvaluationError, match=r"shots: .* must be distinct non-negative numbers"):
        check_options(shots, 1)


def test_rows_of_the_table_have_names() -> None:
    names = ["finetuned", "finetuned_1_label_a_class", "finetuned_5_labels_a_class"]
    assert [shots_name(shots) for shots in (0, 1, 5)] == names
