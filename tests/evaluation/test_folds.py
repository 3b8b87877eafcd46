from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avgdt.data.manifest import Entry
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import (
    all_entries,
    check_classes_remain,
    cross_validation,
    draw_val,
    official_folds,
    train_test_fold,
)
from avgdt.evaluation.segments import Segment


def make_segments(*folds_and_classes: str) -> list[Segment]:
    """Return one segment per argument; "1a" is a recording of class a in fold 1."""
    return [Segment(i, name[0], name[1]) for i, name in enumerate(folds_and_classes)]


ALL = make_segments("1b", "2a", "3a", "1a", "2b", "3b", "4a", "4b")


def test_each_fold_is_tested_once_after_training_on_the_others() -> None:
    folds = cross_validation(ALL, ["1", "2", "3", "4"])
    assert folds.classes == ["a", "b"]
    assert folds.targets.tolist() == [1, 0, 0, 0, 1, 1, 0, 1]
    assert [fold.name for fold in folds.folds] == ["1", "2", "3", "4"]
    assert [fold.test.tolist() for fold in folds.folds] == [[0, 3], [1, 4], [2, 5], [6, 7]]
    assert [fold.val.tolist() for fold in folds.folds] == [[1, 4], [2, 5], [6, 7], [0, 3]]
    for fold in folds.folds:
        assert sorted([*fold.train_val, *fold.test]) == list(range(8))
        assert sorted(fold.train_val) == sorted([*fold.train, *fold.val])


@pytest.mark.parametrize(
    ("segments", "names", "message"),
    [
        (ALL, ["4"], "folds: 4; at least three different folds are needed"),
        (ALL, ["1", "2", "2"], "folds: 1 2 2; at least three different"),
        (ALL, ["1", "2", "7"], "fold 7: no readable recording is present"),
        (
            make_segments("1a", "1b", "2a", "3a", "3b"),
            ["1", "2", "3"],
            "fold 2: has no recording of class 'b', which",
        ),
        (make_segments("1a", "2a", "3a", "3b", "3c"), ["1", "2", "3"], "fold 1: .* class 'b' and 1 more"),
        (make_segments("1a", "2a", "3a"), ["1", "2", "3"], "have the class 'a'"),
    ],
)
def test_invalid_folds_are_named(segments: list[Segment], names: list[str], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        cross_validation(segments, names)


def test_only_some_of_the_folds_can_be_tested() -> None:
    names = ["1", "2", "3", "4"]
    every, some = cross_validation(ALL, names), cross_validation(ALL, names, ["4", "2"])
    for fold, expected in zip(some.folds, [every.folds[1], every.folds[3]], strict=True):
        assert fold.name == expected.name
        for part in ("train", "val", "test"):
            assert getattr(fold, part).tolist() == getattr(expected, part).tolist()
    with pytest.raises(EvaluationError, match="test_folds: 5 is not one of the folds 1 2 3 4"):
        cross_validation(ALL, names, ["5"])


def test_a_class_without_readable_recordings_is_named() -> None:
    requested = cross_validation(
        make_segments(*(f"{fold}{label}" for fold in "123" for label in "abc")), ["1", "2", "3"]
    )
    left = cross_validation(make_segments(*(f"{fold}{label}" for fold in "123" for label in "ac")), ["1", "2", "3"])
    check_classes_remain(requested, requested)
    with pytest.raises(EvaluationError, match="class 'b': none of its train recordings can be read"):
        check_classes_remain(requested, left)


def _splits(videos: int = 12) -> dict[str, list[Entry]]:
    """Return two splits of two classes; split n tests on videos n, n + 4, ... and skips the video after each."""
    return {
        str(split): [
            Entry(Path(f"{label}{n}.avi"), extra={"split": "test" if n % 4 == split else "train", "label": label})
            for label in ("cat", "dog")
            for n in range(videos)
            if n % 4 != (split + 1) % 4
        ]
        for split in (1, 2)
    }


def _segments(entries: list[Entry]) -> list[Segment]:
    return [Segment(index, "", entry.extra["label"]) for index, entry in enumerate(entries)]


def test_recordings_of_all_splits_are_listed_once_without_their_split() -> None:
    entries = all_entries(_splits())
    names = {f"{label}{n}.avi": 1 for label in ("cat", "dog") for n in range(12)}
    assert Counter(entry.path.name for entry in entries) == names
    assert all_entries(dict(reversed(_splits().items()))) == entries
    assert {frozenset(entry.extra) for entry in entries} == {frozenset({"label"})}


def test_folds_equal_the_official_splits() -> None:
    splits = _splits()
    entries = all_entries(splits)
    folds = official_folds(splits, entries, _segments(entries))
    assert folds.classes == ["cat", "dog"]
    for fold, (name, listed) in zip(folds.folds, splits.items(), strict=True):
        assert fold.name == name
        for role, rows in (("train", fold.train_val), ("test", fold.test)):
            expected = sorted(entry.path for entry in listed if entry.extra["split"] == role)
            assert sorted(entries[row].path for row in rows) == expected
        assert not set(fold.train) & set(fold.val)
        assert np.bincount(folds.targets[fold.val]).tolist() == [1, 1]


def test_val_is_deterministic_and_excludes_the_only_recording_of_a_class() -> None:
    splits = {"1": [e for e in _splits()["1"] if e.extra["label"] == "cat" or e.path.name in ("dog1.avi", "dog0.avi")]}
    entries = all_entries(splits)
    one, other = (official_folds(splits, entries, _segments(entries)).folds[0] for _ in range(2))
    assert one.val.tolist() == other.val.tolist()
    single = next(i for i, e in enumerate(entries) if e.path.name == "dog0.avi")
    assert single in one.train


def test_recordings_of_one_source_are_all_in_train_or_all_in_val() -> None:
    splits = {
        name: [replace(e, extra={**e.extra, "source": str(int(e.path.stem[3:]) // 3)}) for e in listed]
        for name, listed in _splits(24).items()
    }
    entries = all_entries(splits)
    for fold in official_folds(splits, entries, _segments(entries)).folds:
        train, val = (
            {entries[row].extra["label"] + entries[row].extra["source"] for row in part}
            for part in (fold.train, fold.val)
        )
        assert val
        assert not train & val


def test_a_split_without_a_class_raises_an_error() -> None:
    splits = _splits()
    entries = all_entries(splits)
    segments = _segments(entries)
    trained = {entry.path for entry in splits["1"] if entry.extra["split"] == "train"}
    untaught = [s for s in segments if s.label == "cat" or entries[s.entry].path not in trained]
    with pytest.raises(EvaluationError, match="split 1: none of the train recordings of class 'dog'"):
        official_folds({"1": splits["1"]}, entries, untaught)
    with pytest.raises(EvaluationError, match="split 1: none of the test recordings of class 'cat'"):
        official_folds(splits, entries, [s for s in segments if entries[s.entry].path in trained])
    with pytest.raises(EvaluationError, match="split 1: none of the train recordings of class 'dog'"):
        official_folds(splits, entries, [s for s in segments if s.label == "cat"])


def test_a_single_class_raises_an_error() -> None:
    splits = {name: [entry for entry in listed if entry.extra["label"] == "cat"] for name, listed in _splits().items()}
    entries = all_entries(splits)
    with pytest.raises(EvaluationError, match="all recordings have the class 'cat'"):
        official_folds(splits, entries, _segments(entries))


def _labelled(*rows: str) -> list[Segment]:
    return [Segment(i, *text.split()) for i, text in enumerate(rows)]


def test_val_is_a_fifth_of_each_class_of_train() -> None:
    train = [f"train {label}" for label in "ab" for _ in range(10)]
    folds = train_test_fold(_labelled("test b", *train, "train c", "train c", "test a"))
    (fold,) = folds.folds
    assert [folds.classes[target] for target in folds.targets[fold.val]] == ["a", "a", "b", "b", "c"]
    assert not set(fold.val) & set(fold.train)
    assert fold.test.tolist() == [0, 23]
    assert sorted(fold.train_val.tolist()) == list(range(1, 23))
    assert (folds.classes, folds.targets[[0, 1, 22]].tolist()) == (["a", "b", "c"], [1, 0, 2])


def test_a_class_missing_from_train_raises_an_error() -> None:
    with pytest.raises(EvaluationError, match="class 'b' is in test but not in train"):
        train_test_fold(_labelled("train a", "train a", "train c", "test b"))


@pytest.mark.parametrize("size", [2, 5, 11, 40])
def test_val_has_a_fifth_and_at_least_one_recording_of_each_class(size: int) -> None:
    targets = np.repeat([0, 1, 2], size)
    train_rows = np.random.default_rng(0).permutation(3 * size)
    rows = draw_val(train_rows, targets)
    assert np.bincount(targets[rows]).tolist() == [max(1, size // 5)] * 3
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert draw_val(np.sort(train_rows), targets).tolist() == rows.tolist()


def test_the_only_recording_of_a_class_remains_in_train() -> None:
    assert draw_val(np.arange(3), np.array([0, 1, 1])).tolist() in ([1], [2])
    assert draw_val(np.arange(2), np.array([0, 1])).tolist() == []


@pytest.mark.parametrize("seed", range(8))
def test_sources_are_not_divided_and_every_class_remains_in_train(seed: int) -> None:
    random = np.random.default_rng(seed)
    targets = random.integers(0, 4, 80)
    sources = [f"{target}-{random.integers(0, 3)}" for target in targets]
    chosen = set(draw_val(np.arange(80), targets, sources).tolist())
    for target in range(4):
        own = [row for row in range(80) if targets[row] == target]
        picked = {sources[row] for row in own if row in chosen}
        left = {sources[row] for row in own if row not in chosen}
        assert picked
        assert left
        assert not picked & left
        assert sum(row in chosen for row in own) >= len(own) // 5


def test_a_class_of_a_single_source_is_divided() -> None:
    assert len(draw_val(np.arange(10), np.zeros(10, dtype=np.int64), ["one film"] * 10)) == 2
