from __future__ import annotations

import pytest

from avgdt.evaluation.candidates import candidates, check_enough
from avgdt.evaluation.errors import EvaluationError
from tests.evaluation.rows import row


def test_copies_of_one_stretch_are_one_candidate() -> None:
    rows = [
        row("a.mp4", split="test", word="x", start="0", end="1"),
        row("a.mp4", split="test", word="y", start="0", end="1"),
        row("a.mp4", split="test", word="z", start="1", end="2"),
        row("b.mp4", split="test", word="", start="0", end="1"),
        row("c.mp4", split="train", word="x", start="0", end="1"),
    ]
    kept, duplicates = candidates(rows, "", "test")
    assert [s.entry for s in kept] == [0, 2, 3]
    assert duplicates == 1
    assert [s.entry for s in candidates(rows, "word", "test")[0]] == [0, 2]
    assert [s.entry for s in candidates(rows, "word", "all")[0]] == [0, 2, 4]


def test_one_candidate_is_no_choice() -> None:
    check_enough(2)
    with pytest.raises(EvaluationError, match="two usable recordings"):
        check_enough(1)
