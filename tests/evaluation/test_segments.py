from __future__ import annotations

import pytest

from avgdt.errors import AvgdtError
from avgdt.evaluation.segments import Segment, labels, segments
from tests.evaluation.rows import row


def test_segment_columns_of_the_label_take_precedence() -> None:
    rows = [row(split="test", digit="two", letter="f", digit_start="1.640", digit_end="1.890", start="0", end="3")]
    assert segments(rows, "digit") == [Segment(0, "test", "two", 1.64, 1.89)]
    assert segments(rows, "letter") == [Segment(0, "test", "f", 0.0, 3.0)]
    assert segments(rows) == [Segment(0, "test", "", 0.0, 3.0)]


def test_a_segment_without_times_is_the_whole_recording() -> None:
    assert segments([row(split="val", label="dog")], "label") == [Segment(0, "val", "dog", None, None)]
    blank = row(split="val", label="dog", start="", end=" ")
    assert segments([blank], "label") == [Segment(0, "val", "dog", None, None)]
    assert segments([row()]) == [Segment(0, "")]


def test_rows_of_one_file_and_unlabelled_rows_are_separate_segments() -> None:
    rows = [
        row(label="a", start="0", end="1"),
        row(label="", start="1", end="2"),
        row(label="b", start="2", end="3"),
    ]
    assert [(s.entry, s.label, s.start) for s in segments(rows, "label")] == [(0, "a", 0.0), (2, "b", 2.0)]


def test_columns_that_cannot_be_labels_are_omitted() -> None:
    assert labels([row(split="a", digit="1", digit_start="0", digit_end="1", start="0", end="1")]) == ["digit"]


@pytest.mark.parametrize(
    ("extra", "label", "message"),
    [
        ({"digit": "1", "letter": "f"}, "digits", "no column 'digits'; did you mean 'digit'"),
        ({"digit": "1", "letter": "f"}, "zzz", "known: digit, letter"),
        ({}, "label", "none of its columns can be a label"),
        ({"split": "train"}, "split", "no column 'split'"),
        ({"digit": "1", "digit_start": "0"}, "digit", "no 'digit_end'"),
        ({"digit": "1", "end": "0"}, "digit", "no 'start'"),
        ({"digit": "1", "start": "0", "end": "x"}, "digit", "a.mp4: start '0' and end 'x'"),
        ({"digit": "1", "start": "0", "end": ""}, "digit", "a.mp4"),
        ({"digit": "1", "start": "2", "end": "1"}, "digit", r"start \(2\) must be less than end \(1\)"),
        ({"digit": "1", "start": "nan", "end": "1"}, "digit", "a.mp4: start"),
    ],
)
def test_errors_name_the_column_and_the_row(extra: dict[str, str], label: str, message: str) -> None:
    with pytest.raises(AvgdtError, match=message) as caught:
        segments([row(**extra)], label)
    assert "\n" not in str(caught.value)
