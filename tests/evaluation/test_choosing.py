from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avgdt.data.manifest import Entry
from avgdt.evaluation.choosing import choosing, val_from_train
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.segments import Segment
from tests.evaluation.rows import row


@pytest.mark.parametrize("size", [2, 5, 11, 40])
def test_a_fifth_of_each_class_one_at_least(size: int) -> None:
    targets = np.repeat([0, 1, 2], size)
    taught = np.random.default_rng(0).permutation(3 * size)
    rows = choosing(taught, targets)
    assert np.bincount(targets[rows]).tolist() == [max(1, size // 5)] * 3
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert choosing(np.sort(taught), targets).tolist() == rows.tolist()


def test_a_lone_recording_is_trained_on() -> None:
    assert choosing(np.arange(3), np.array([0, 1, 1])).tolist() in ([1], [2])
    assert choosing(np.arange(2), np.array([0, 1])).tolist() == []


@pytest.mark.parametrize("seed", range(8))
def test_sources_stay_together_and_some_are_left_to_train(seed: int) -> None:
    random = np.random.default_rng(seed)
    targets = random.integers(0, 4, 80)
    sources = [f"{target}-{random.integers(0, 3)}" for target in targets]
    chosen = set(choosing(np.arange(80), targets, sources).tolist())
    for target in range(4):
        own = [row for row in range(80) if targets[row] == target]
        picked = {sources[row] for row in own if row in chosen}
        left = {sources[row] for row in own if row not in chosen}
        assert picked
        assert left
        assert not picked & left
        assert sum(row in chosen for row in own) >= len(own) // 5


def test_a_class_of_one_source_is_parted_all_the_same() -> None:
    assert len(choosing(np.arange(10), np.zeros(10, dtype=np.int64), ["one film"] * 10)) == 2


def _plans(*rows: tuple[str, str, str]) -> tuple[list[Plan], list[Entry]]:
    """(file, label, source) of recordings to train on, and one to test."""
    entries = [row(name, source=source) for name, _, source in rows] + [row("test.mp4", source="")]
    plans = [Plan(Segment(i, "train", label), ()) for i, (_, label, _) in enumerate(rows)]
    return [*plans, Plan(Segment(len(rows), "test", "a"), ())], entries


def _val(plans: list[Plan], entries: list[Entry]) -> list[int]:
    found = val_from_train(plans, entries)
    chosen = [i for i, one in enumerate(found) if one.segment.split == "val"]
    assert [one.segment.split for one in found] == [
        "val" if i in chosen else one.segment.split for i, one in enumerate(plans)
    ]
    assert found == val_from_train(plans, entries)
    return chosen


def test_val_is_a_fifth_of_each_class_of_train() -> None:
    plans, entries = _plans(*((f"{label}{i}.mp4", label, "") for label in "abc" for i in range(12)))
    chosen = _val(plans, entries)
    assert [plans[i].segment.label for i in chosen] == ["a"] * 2 + ["b"] * 2 + ["c"] * 2


@pytest.mark.parametrize("by", ["source", "file"])
def test_sources_stay_together_whatever_classes_they_are_of(by: str) -> None:
    rows = [(f"{i}.mp4" if by == "source" else f"{i // 4}.mp4", "abcd"[i % 4], f"s{i // 4}") for i in range(40)]
    plans, entries = _plans(*((file, label, source if by == "source" else "") for file, label, source in rows))
    chosen = _val(plans, entries)
    assert len(chosen) == 8
    assert not {i // 4 for i in chosen} & {i // 4 for i in range(40) if i not in chosen}


def test_a_class_of_one_source_is_split_and_a_lone_recording_is_trained_on() -> None:
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
