from __future__ import annotations

import pytest

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import check_still_there, make_folds
from avgdt.evaluation.segments import Segment


def sounds(*folds_and_classes: str) -> list[Segment]:
    """ "1a" is a sound of class a in fold 1."""
    return [Segment(i, name[0], name[1]) for i, name in enumerate(folds_and_classes)]


ALL = sounds("1b", "2a", "3a", "1a", "2b", "3b", "4a", "4b")


def test_each_fold_is_tested_once_by_what_the_others_teach() -> None:
    folds = make_folds(ALL, ["1", "2", "3", "4"])
    assert folds.classes == ["a", "b"]
    assert folds.targets.tolist() == [1, 0, 0, 0, 1, 1, 0, 1]
    assert [fold.name for fold in folds.turns] == ["1", "2", "3", "4"]
    assert [fold.test.tolist() for fold in folds.turns] == [[0, 3], [1, 4], [2, 5], [6, 7]]
    assert [fold.val.tolist() for fold in folds.turns] == [[1, 4], [2, 5], [6, 7], [0, 3]]
    for fold in folds.turns:
        assert sorted([*fold.taught, *fold.test]) == list(range(8))
        assert sorted(fold.taught) == sorted([*fold.train, *fold.val])


@pytest.mark.parametrize(
    ("segments", "names", "message"),
    [
        (ALL, ["4"], "folds: 4; name three different ones or more"),
        (ALL, ["1", "2", "2"], "folds: 1 2 2; name three different"),
        (ALL, ["1", "2", "7"], "fold 7: none of its sounds is here"),
        (sounds("1a", "1b", "2a", "3a", "3b"), ["1", "2", "3"], "fold 2: has no sound of class 'b', which other folds"),
        (sounds("1a", "2a", "3a", "3b", "3c"), ["1", "2", "3"], "fold 1: .* class 'b' and 1 other class"),
        (sounds("1a", "2a", "3a"), ["1", "2", "3"], "the one class 'a'"),
    ],
)
def test_folds_that_cannot_be_measured_are_named(segments: list[Segment], names: list[str], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        make_folds(segments, names)


def test_a_class_that_could_not_be_read_is_named() -> None:
    asked = make_folds(sounds(*(f"{fold}{label}" for fold in "123" for label in "abc")), ["1", "2", "3"])
    left = make_folds(sounds(*(f"{fold}{label}" for fold in "123" for label in "ac")), ["1", "2", "3"])
    check_still_there(asked, asked)
    with pytest.raises(EvaluationError, match="class 'b': none of its train recordings can be read"):
        check_still_there(asked, left)
