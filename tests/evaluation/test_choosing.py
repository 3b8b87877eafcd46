from __future__ import annotations

import numpy as np
import pytest

from avgdt.evaluation.choosing import choosing


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
