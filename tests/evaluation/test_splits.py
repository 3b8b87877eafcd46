from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry
from avgdt.data.splits import SplitSpan, check_no_leakage
from avgdt.errors import AvgdtError
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.splits import LabelledRows, labelled_rows, labelled_splits, one_split, sort_names, val_from_train
from tests.evaluation.rows import row


def split_spans(segments: list[Segment], entries: list[Entry]) -> list[SplitSpan]:
    return [SplitSpan(entries[segment.entry], segment.split, segment.seconds) for segment in segments]


def segments_of(*pairs: tuple[str, str]) -> list[Segment]:
    return [Segment(i, split, label) for i, (split, label) in enumerate(pairs)]


def test_labelled_splits_have_rows_classes_and_targets() -> None:
    segments = segments_of(("test", "b"), ("train", "b"), ("extra", "q"), ("val", "a"), ("train", "a"), ("train", "b"))
    splits = labelled_splits(segments)
    assert splits.rows == {"train": [1, 4, 5], "val": [3], "test": [0]}
    assert splits.classes == ["a", "b"]
    assert splits.targets(segments, "train") == [1, 0, 1]
    assert splits.targets(segments, "test") == [1]


def test_numeric_names_are_sorted_by_value() -> None:
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
        ([("train", "a"), ("val", "a"), ("test", "a")], "train has only the class 'a'"),
    ],
)
def test_missing_splits_and_classes_are_named(pairs: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(EvaluationError, match=message) as caught:
        labelled_splits(segments_of(*pairs))
    assert "\n" not in str(caught.value)


def test_one_split_or_all_rows_can_be_selected() -> None:
    rows = segments_of(("train", ""), ("test", ""), ("test", ""))
    assert [s.entry for s in one_split(rows, "test")] == [1, 2]
    assert [s.entry for s in one_split(rows, "all")] == [0, 1, 2]
    assert len(one_split(segments_of(("", ""), ("", "")), "test")) == 2
    with pytest.raises(
        EvaluationError,
        match=r"split 'val'; the data has: test \(2\), train \(1\); set --split to one of these, or to all",
    ):
        one_split(rows, "val")


def test_a_recording_must_not_be_in_two_splits() -> None:
    entries = [Entry(Path(name)) for name in ("a.mp4", "b.mp4", "./a.mp4")]

    def check(*rows: tuple[int, str, float | None, float | None]) -> None:
        segments = [Segment(entry, split, "x", start, end) for entry, split, start, end in rows]
        check_no_leakage(split_spans(segments, entries))

    check((0, "train", None, None), (1, "test", None, None), (0, "train", None, None))
    check((0, "train", 0.0, 1.0), (0, "test", 1.0, 2.0), (1, "val", None, None))
    for first, second in (((None, None), (None, None)), ((None, None), (3.0, 4.0)), ((0.0, 1.1), (1.0, 2.0))):
        with pytest.raises(DataError, match=r"a\.mp4: is in the splits 'train' and 'test'"):
            check((0, "train", *first), (1, "train", None, None), (2, "test", *second))


def test_a_copy_must_be_in_the_split_of_its_original(tmp_path: Path) -> None:
    entries = list[Entry]()
    for name, content in (("a.mp4", b"one"), ("b.mp4", b"one"), ("c.mp4", b"two")):
        (tmp_path / name).write_bytes(content)
        entries.append(Entry(tmp_path / name, content="the same digest"))
    rows = [Segment(0, "train", "x"), Segment(1, "train", "x"), Segment(2, "test", "x")]
    check_no_leakage(split_spans(rows, entries))
    with pytest.raises(DataError, match=r"a\.mp4: has the same content as .*b\.mp4 and so is in the splits 'train'"):
        check_no_leakage(split_spans([*rows, Segment(1, "test", "x")], entries))


GOOD = [row("a.mp4", split="train", label="dog"), row("b.mp4", split="test", label="cat")]


def used(*rows: Entry) -> LabelledRows:
    return labelled_rows([*GOOD, *rows], "label", ("train", "test"), optional=("val",))


def test_rows_without_label_or_split_are_skipped_and_reported() -> None:
    found = used(
        row("c.mp4", split="train", label=""),
        row("d.mp4", split="val"),
        row("e.mp4", split="extra", label=""),
        row("f.mp4", label="dog"),
        row("g.mp4", split="extra", label="dog"),
        row("h.mp4", split="fold1", label="dog"),
        row("i.mp4", split="extra", label="dog"),
        row("a.mp4", split="train", label="dog"),
    )
    assert [segment.entry for segment in found.segments] == [0, 1]
    assert [(str(one.path), one.reason) for one in found.skipped] == [
        ("c.mp4", "its row has no label"),
        ("d.mp4", "its row has no label"),
        ("f.mp4", "its row has no split"),
    ]
    assert (found.unlabelled, found.other_splits) == (2, 3)
    assert found.notes == [
        "2 rows have no label in the column 'label' and are skipped",
        "1 row has no split and is skipped",
        "3 rows belong to other splits (extra (2), fold1 (1)) and are not used",
        "1 row duplicates another row (same file, segment, split and label) and is not used",
    ]
    assert (used().skipped, used().notes) == ([], [])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [row(split="trian", label="x"), row(split="trian", label=""), row(split="test", label="x")],
            "split: no row has split 'train'; the column 'split' has: trian (2), test (1); needed: train and test (val "
            "is optional); use these names in that column",
        ),
        (
            [row(split="", label="x")],
            "split: no row has split 'train'; the column 'split' has: no split in any row; needed: train and test",
        ),
        ([row(label="x")], "split: the data has no column 'split'; needed: train and test (val is optional); add one"),
        (
            [row(split="train", label="x"), row(split="test", label=""), row(split="test")],
            "split: none of the 2 rows with split 'test' has a label in the column 'label'; needed: train and test",
        ),
        (
            [row(split=f"fold{i:02d}", label="x") for i in range(20)],
            "fold06 (1), fold07 (1), ...; needed",
        ),
    ],
)
def test_missing_splits_are_named(rows: list[Entry], message: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        labelled_rows(rows, "label", ("train", "test"), optional=("val",))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_segment_with_two_labels_is_refused(tmp_path: Path) -> None:
    for name, content in (("one.mp4", b"1"), ("copy.mp4", b"1"), ("two.mp4", b"2")):
        (tmp_path / name).write_bytes(content)

    def cut(name: str, label: str, start: str = "0", end: str = "1") -> Entry:
        extra = {"split": "train", "label": label, "start": start, "end": end}
        return replace(row(), path=tmp_path / name, content="the same digest", extra=extra)

    alike = [cut("one.mp4", "dog"), cut("one.mp4", "cat", "1", "2"), cut("two.mp4", "cat"), cut("copy.mp4", "dog")]
    assert len(used(*alike).segments) == 6
    with pytest.raises(
        EvaluationError,
        match=r"label: .*/one\.mp4 has the labels 'dog' and 'cat' from 0 to 1 s; keep one of the rows$",
    ):
        used(*alike, cut("one.mp4", "cat"))
    with pytest.raises(EvaluationError, match=r"one\.mp4 \(the same content as .*copy\.mp4\) has the labels 'dog' and"):
        used(*alike, cut("copy.mp4", "cat"))
    with pytest.raises(EvaluationError, match=r"a\.mp4 has the labels 'dog' and 'cat'; keep one"):
        used(row("a.mp4", split="train", label="cat"))
    with pytest.raises(DataError, match="is in the splits"):
        used(row("a.mp4", split="test", label="cat"))
    with pytest.raises(AvgdtError, match="no column 'labels'"):
        labelled_rows(GOOD, "labels", ("train", "test"))


def _plans(*rows: tuple[str, str, str]) -> tuple[list[Plan], list[Entry]]:
    """Return plans and entries of train rows, given as (file, label, source), and of one test row."""
    entries = [row(name, source=source) for name, _, source in rows] + [row("test.mp4", source="")]
    plans = [Plan(Segment(i, "train", label), ()) for i, (_, label, _) in enumerate(rows)]
    return [*plans, Plan(Segment(len(rows), "test", "a"), ())], entries


def _val(plans: list[Plan], entries: list[Entry]) -> list[int]:
    plans_with_val = val_from_train(plans, entries)
    chosen = [i for i, one in enumerate(plans_with_val) if one.segment.split == "val"]
    assert [one.segment.split for one in plans_with_val] == [
        "val" if i in chosen else one.segment.split for i, one in enumerate(plans)
    ]
    assert plans_with_val == val_from_train(plans, entries)
    return chosen


def test_val_is_a_fifth_of_each_class_of_train() -> None:
    plans, entries = _plans(*((f"{label}{i}.mp4", label, "") for label in "abc" for i in range(12)))
    chosen = _val(plans, entries)
    assert [plans[i].segment.label for i in chosen] == ["a"] * 2 + ["b"] * 2 + ["c"] * 2


@pytest.mark.parametrize("by", ["source", "file"])
def test_sources_stay_together_across_classes(by: str) -> None:
    rows = [(f"{i}.mp4" if by == "source" else f"{i // 4}.mp4", "abcd"[i % 4], f"s{i // 4}") for i in range(40)]
    plans, entries = _plans(*((file, label, source if by == "source" else "") for file, label, source in rows))
    chosen = _val(plans, entries)
    assert len(chosen) == 8
    assert not {i // 4 for i in chosen} & {i // 4 for i in range(40) if i not in chosen}


def test_a_class_of_one_source_is_divided_and_a_single_recording_stays_in_train() -> None:
    rows = [("a.mp4", "a", "")] * 10 + [("b.mp4", "b", "")] + [(f"c{i}.mp4", "c", "") for i in range(2)]
    plans, entries = _plans(*rows)
    labels = [plans[i].segment.label for i in _val(plans, entries)]
    assert labels == ["a", "a", "c"]


def test_copies_of_a_file_stay_together() -> None:
    plans, entries = _plans(*((f"{label}{i}.mp4", label, "") for label in "ab" for i in range(12)))
    entries = [replace(entry, content=f"{entry.path.name[0]}{i % 12 // 3}") for i, entry in enumerate(entries)]
    chosen = _val(plans, entries)
    assert len(chosen) == 6
    left = {entries[i].content for i in range(24) if i not in chosen}
    assert not left & {entries[i].content for i in chosen}
