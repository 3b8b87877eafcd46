"""Which recordings the pictures of a report show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry
from avgdt.data.selection import Selection, select
from avgdt.data.splits import split_name, split_of
from avgdt.data.windows import unfit
from avgdt.evaluation.results import Result
from avgdt.evaluation.segments import labels
from avgdt.recipes.recipe import Recipe

MOST = 60
"""Most recordings that are matched with each other."""


@dataclass(frozen=True)
class Chosen:
    """Recordings of the run."""

    learn: tuple[Entry, ...]
    """Learnt from."""
    held_out: tuple[Entry, ...]
    """Watched while learning."""
    left_out: int
    """Those of the manifest that could not be used."""
    shown: tuple[Entry, ...]
    """To be matched with each other, those that can be reached."""
    kind: str
    """What the shown ones are, in words."""
    seen: bool
    """Whether the networks learnt from the shown ones."""
    missing: tuple[Path, ...]
    """Files of the manifest that cannot be reached."""
    label: str
    """The column that names a recording's class; empty for none. It is only shown, never used."""


def choose(recipe: Recipe, entries: Sequence[Entry], results: Sequence[Result], source: Path) -> Chosen:
    """Choose the test recordings, else the held-out ones, else some of those learnt from; at most :data:`MOST`."""
    try:
        collection = select(entries, recipe.data, recipe.composition, recipe.clip, source)
    except DataError:
        collection = Selection((), (), ())
    test = tuple(
        entry
        for entry in entries
        if split_of(entry) == "test"
        and "test" not in map(split_name, recipe.data.splits)
        and not unfit(entry, recipe.composition, recipe.clip)
    )
    candidates, kind = test, "test"
    if len(test) < 2:
        candidates, kind = collection.held_out, "held-out"
    seen = len(candidates) < 2
    if seen:
        candidates, kind = collection.train, "learnt-from"
    there = [entry for entry in candidates if entry.path.is_file()]
    drawn = np.sort(np.random.default_rng(0).permutation(len(there))[:MOST])
    return Chosen(
        collection.train,
        collection.held_out,
        len(collection.skipped),
        tuple(there[i] for i in drawn),
        kind,
        seen,
        tuple(entry.path for entry in entries if not entry.path.is_file()),
        _label(entries, results),
    )


def _label(entries: Sequence[Entry], results: Sequence[Result]) -> str:
    """The label of the newest probe, else the column ``label``."""
    present = labels(entries)
    asked = [str(result["options"].get("label", "")) for result in results]
    return next((name for name in (*asked, "label") if name and name in present), "")
