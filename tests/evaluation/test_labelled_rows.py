"""Which rows a protocol with labels uses, and what is said of the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry
from avgdt.errors import AvgdtError
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.labelled_rows import LabelledRows, labelled_rows
from tests.evaluation.rows import row

GOOD = [row("a.mp4", split="train", label="dog"), row("b.mp4", split="test", label="cat")]


def used(*rows: Entry) -> LabelledRows:
    return labelled_rows([*GOOD, *rows], "label", ("train", "test"), optional=("val",))


def test_rows_without_label_or_split_are_skipped_and_said() -> None:
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
    assert [(one.path, one.reason) for one in found.skipped] == [
        ("c.mp4", "its row has no label"),
        ("d.mp4", "its row has no label"),
        ("f.mp4", "its row has no split"),
    ]
    assert (found.unlabelled, found.other_splits) == (2, 3)
    assert found.notes == [
        "2 rows have no label in the column 'label': skipped",
        "1 row has no split: skipped",
        "3 rows are of other splits (extra (2), fold1 (1)): not used",
        "1 row repeats another of the same file, segment, split and label: used once",
    ]
    assert (used().skipped, used().notes) == ([], [])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [row(split="trian", label="x"), row(split="trian", label=""), row(split="test", label="x")],
            "split: no row has split 'train'; the column 'split' has: trian (2), test (1); needed: train and test (val "
            "is optional); name the splits so in that column",
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


def test_two_labels_of_one_segment_are_refused(tmp_path: Path) -> None:
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
    with pytest.raises(DataError, match="stands in the splits"):
        used(row("a.mp4", split="test", label="cat"))
    with pytest.raises(AvgdtError, match="no column 'labels'"):
        labelled_rows(GOOD, "labels", ("train", "test"))
