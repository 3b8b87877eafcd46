from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avgdt.data.manifest import Entry
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.official import all_entries, official_folds
from avgdt.evaluation.segments import Segment


def _splits(videos: int = 12) -> dict[str, list[Entry]]:
    """Two classes; split n tests the videos whose number leaves n when divided by four and leaves the next out."""
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


def test_every_recording_is_there_once_without_its_part() -> None:
    entries = all_entries(_splits())
    names = {f"{label}{n}.avi": 1 for label in ("cat", "dog") for n in range(12)}
    assert Counter(entry.path.name for entry in entries) == names
    assert all_entries(dict(reversed(_splits().items()))) == entries
    assert {frozenset(entry.extra) for entry in entries} == {frozenset({"label"})}


def test_turns_are_the_official_ones() -> None:
    splits = _splits()
    entries = all_entries(splits)
    folds = official_folds(splits, entries, _segments(entries))
    assert folds.classes == ["cat", "dog"]
    for turn, (name, listed) in zip(folds.turns, splits.items(), strict=True):
        assert turn.name == name
        for role, rows in (("train", turn.taught), ("test", turn.test)):
            expected = sorted(entry.path for entry in listed if entry.extra["split"] == role)
            assert sorted(entries[row].path for row in rows) == expected
        assert not set(turn.train) & set(turn.val)
        assert np.bincount(folds.targets[turn.val]).tolist() == [1, 1]


def test_the_same_recordings_choose_at_every_call_and_a_lone_one_never_does() -> None:
    splits = {"1": [e for e in _splits()["1"] if e.extra["label"] == "cat" or e.path.name in ("dog1.avi", "dog0.avi")]}
    entries = all_entries(splits)
    one, other = (official_folds(splits, entries, _segments(entries)).turns[0] for _ in range(2))
    assert one.val.tolist() == other.val.tolist()
    lone = next(i for i, e in enumerate(entries) if e.path.name == "dog0.avi")
    assert lone in one.train


def test_recordings_of_one_source_choose_or_train_together() -> None:
    splits = {
        name: [replace(e, extra={**e.extra, "source": str(int(e.path.stem[3:]) // 3)}) for e in listed]
        for name, listed in _splits(24).items()
    }
    entries = all_entries(splits)
    for turn in official_folds(splits, entries, _segments(entries)).turns:
        train, val = (
            {entries[row].extra["label"] + entries[row].extra["source"] for row in part}
            for part in (turn.train, turn.val)
        )
        assert val
        assert not train & val


def test_what_a_split_lacks_is_told() -> None:
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


def test_one_class_is_nothing_to_tell_apart() -> None:
    splits = {name: [entry for entry in listed if entry.extra["label"] == "cat"] for name, listed in _splits().items()}
    entries = all_entries(splits)
    with pytest.raises(EvaluationError, match="all recordings are of the one class 'cat'"):
        official_folds(splits, entries, _segments(entries))
