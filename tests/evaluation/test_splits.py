from __future__ import annotations

from pathlib import Path

import pytest

from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry
from avgdt.data.splits import check_no_leakage
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.splits import labelled_splits, one_split, sort_names, stretches


def made(*pairs: tuple[str, str]) -> list[Segment]:
    return [Segment(i, split, label) for i, (split, label) in enumerate(pairs)]


def test_rows_classes_and_targets() -> None:
    found = made(("test", "b"), ("train", "b"), ("extra", "q"), ("val", "a"), ("train", "a"), ("train", "b"))
    splits = labelled_splits(found)
    assert splits.rows == {"train": [1, 4, 5], "val": [3], "test": [0]}
    assert splits.classes == ["a", "b"]
    assert splits.targets(found, "train") == [1, 0, 1]
    assert splits.targets(found, "test") == [1]
    assert splits.other == 1


def test_numbers_are_sorted_as_numbers() -> None:
    assert sort_names({"10", "9", "1"}) == ["1", "9", "10"]
    assert sort_names({"10", "9", "x"}) == ["10", "9", "x"]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (
            [("train", "a"), ("train", "b"), ("test", "a")],
            r"none of the rows with split 'val' can be used; usable rows: train \(2\), test \(1\); ",
        ),
        ([("", "a")], r"none of the rows with split 'train' can be used; usable rows: none; "),
        ([("train", "a"), ("train", "b"), ("val", "a"), ("test", "c")], "class 'c' is in test but not in train"),
        ([("train", "a"), ("train", "b"), ("val", "d"), ("test", "a")], "class 'd' is in val but not in train"),
        ([("train", "a"), ("val", "a"), ("test", "a")], "one class 'a'"),
    ],
)
def test_mistakes_are_named(pairs: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(EvaluationError, match=message) as caught:
        labelled_splits(made(*pairs))
    assert "\n" not in str(caught.value)


def test_one_split_of_several_or_all() -> None:
    found = made(("train", ""), ("test", ""), ("test", ""))
    assert [s.entry for s in one_split(found, "test")] == [1, 2]
    assert [s.entry for s in one_split(found, "all")] == [0, 1, 2]
    assert len(one_split(made(("", ""), ("", "")), "test")) == 2
    with pytest.raises(
        EvaluationError,
        match=r"split 'val'; the data has: test \(2\), train \(1\); name one of these, or all, with --split",
    ):
        one_split(found, "val")


def test_a_recording_belongs_in_one_split() -> None:
    entries = [Entry(Path(name)) for name in ("a.mp4", "b.mp4", "./a.mp4")]

    def check(*rows: tuple[int, str, float | None, float | None]) -> None:
        segments = [Segment(entry, split, "x", start, end) for entry, split, start, end in rows]
        check_no_leakage(stretches(segments, entries))

    check((0, "train", None, None), (1, "test", None, None), (0, "train", None, None))
    check((0, "train", 0.0, 1.0), (0, "test", 1.0, 2.0), (1, "val", None, None))
    for first, second in (((None, None), (None, None)), ((None, None), (3.0, 4.0)), ((0.0, 1.1), (1.0, 2.0))):
        with pytest.raises(DataError, match=r"a\.mp4: stands in the splits 'train' and 'test'"):
            check((0, "train", *first), (1, "train", None, None), (2, "test", *second))


def test_a_copy_belongs_in_the_split_of_its_original(tmp_path: Path) -> None:
    entries = list[Entry]()
    for name, content in (("a.mp4", b"one"), ("b.mp4", b"one"), ("c.mp4", b"two")):
        (tmp_path / name).write_bytes(content)
        entries.append(Entry(tmp_path / name, content="the same digest"))
    rows = [Segment(0, "train", "x"), Segment(1, "train", "x"), Segment(2, "test", "x")]
    check_no_leakage(stretches(rows, entries))
    with pytest.raises(
        DataError, match=r"a\.mp4: has the same content as .*b\.mp4 and so stands in the splits 'train'"
    ):
        check_no_leakage(stretches([*rows, Segment(1, "test", "x")], entries))
