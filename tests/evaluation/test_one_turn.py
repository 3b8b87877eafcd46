from __future__ import annotations

import pytest

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.one_turn import one_turn
from avgdt.evaluation.segments import Segment


def _segments(*told: str) -> list[Segment]:
    return [Segment(i, *one.split()) for i, one in enumerate(told)]


def test_a_fifth_of_each_class_of_train_chooses() -> None:
    train = [f"train {label}" for label in "ab" for _ in range(10)]
    folds = one_turn(_segments("test b", *train, "train c", "train c", "test a"))
    (turn,) = folds.turns
    assert [folds.classes[target] for target in folds.targets[turn.val]] == ["a", "a", "b", "b", "c"]
    assert not set(turn.val) & set(turn.train)
    assert turn.test.tolist() == [0, 23]
    assert sorted(turn.taught.tolist()) == list(range(1, 23))
    assert (folds.classes, folds.targets[[0, 1, 22]].tolist()) == (["a", "b", "c"], [1, 0, 2])


def test_parts_that_cannot_be_measured() -> None:
    with pytest.raises(EvaluationError, match="class 'b' is in test but not in train"):
        one_turn(_segments("train a", "train a", "train c", "test b"))
