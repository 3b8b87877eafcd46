from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avgdt.data.benchmarks.esc50 import deal_sources
from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry


def _entries(seed: int, column: bool = True) -> list[Entry]:
    """Return eight recordings of each of eight classes; class n has n + 1 sources."""
    random = np.random.default_rng(seed)
    entries = []
    for label in range(8):
        sources = [label * 100 + s for s in range(label + 1)]
        owners = [*sources, *random.choice(sources, 8 - len(sources))]
        for take, source in enumerate(owners):
            extra = {"fold": "4", "category": f"c{label}"} | ({"src_file": str(source)} if column else {})
            entries.append(Entry(Path(f"4-{source}-{take}-{label}.ogg"), extra=extra))
    return entries


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("parts", [3, 4])
def test_every_part_has_every_class_and_no_source_is_in_two_parts(seed: int, parts: int) -> None:
    entries = _entries(seed)
    dealt = deal_sources(entries, parts)
    assert [entry.path for entry in dealt] == [entry.path for entry in entries]
    unusable = [entry for entry in dealt if entry.error]
    assert {entry.extra["category"] for entry in unusable} == {f"c{n}" for n in range(parts - 1)}
    assert unusable[0].error == f"class 'c0' has only 1 of the {parts} sources needed in this fold"
    homes: dict[str, set[str]] = {}
    for entry in dealt:
        homes.setdefault(entry.extra["src_file"], set()).add(entry.extra["fold"])
    assert all(len(home) == 1 for home in homes.values())
    held = Counter((entry.extra["category"], entry.extra["fold"]) for entry in dealt if not entry.error)
    assert set(held) == {(f"c{n}", str(p + 1)) for n in range(parts - 1, 8) for p in range(parts)}
    even = [held["c7", str(part + 1)] for part in range(parts)]
    assert max(even) - min(even) <= 1


def test_parts_are_deterministic_and_do_not_depend_on_the_source_column() -> None:
    folds = [[entry.extra["fold"] for entry in deal_sources(_entries(0, column), 4)] for column in (True, False, True)]
    assert folds[0] == folds[1] == folds[2]


def test_a_recording_of_unknown_source_raises_an_error() -> None:
    extra = {"fold": "4", "category": "dog"}
    with pytest.raises(DataError, match=r"dog\.wav: its source is given neither by `src_file` nor by its name"):
        deal_sources([Entry(Path("dog.wav"), extra=extra)], 3)


def test_a_missing_recording_keeps_its_error_and_does_not_count_as_a_source() -> None:
    entries = _entries(0)
    single = entries[16].path
    gone = [
        replace(entry, error="gone") if entry.extra["category"] == "c2" and entry.path != single else entry
        for entry in entries
    ]
    dealt = deal_sources(gone, 3)
    assert [e.error for e in dealt[16:18]] == ["class 'c2' has only 1 of the 3 sources needed in this fold", "gone"]
