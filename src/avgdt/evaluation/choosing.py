"""Which training recordings choose what a probe has to choose, where the data set does not say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from avgdt.data.manifest import Entry
from avgdt.data.splits import recording_numbers
from avgdt.evaluation.plans import Plan

SHARE = 5
"""One in as many of each class, at least one where it has two."""
SOURCES = ("source", "group")
"""Columns that name what several recordings were cut from."""


def choosing(taught: NDArray[np.int64], targets: NDArray[np.int64], sources: Sequence[str] = ()) -> NDArray[np.int64]:
    """Sorted rows among ``taught``, drawn, the same at every call; ``targets`` are the classes of all rows.

    Where ``sources`` of all rows are given, recordings of one source stay together, in classes that have several. A
    class of one recording chooses nothing.
    """
    random, chosen = np.random.default_rng(0), [np.empty(0, dtype=np.int64)]
    for target in np.unique(targets[taught]):
        own = np.sort(taught[targets[taught] == target])
        count = max(len(own) // SHARE, min(1, len(own) - 1))
        groups = np.array([sources[row] for row in own]) if len(sources) else np.arange(len(own))
        kinds = np.unique(groups)
        if len(kinds) == 1:
            groups, kinds = np.arange(len(own)), np.arange(len(own))
        order = random.permutation(len(kinds))
        sizes = np.array([(groups == kinds[place]).sum() for place in order])
        # All sources before the one that fills the share, that one too, but never the last: it is trained on.
        enough = min(int(np.searchsorted(np.cumsum(sizes), count)) + 1, len(kinds) - 1) if count else 0
        chosen.append(own[np.isin(groups, kinds[order[:enough]])])
    return np.sort(np.concatenate(chosen))


def val_from_train(plans: Sequence[Plan], entries: Sequence[Entry]) -> list[Plan]:
    """The plans, about a fifth of the split train moved to val: drawn, the same at every call, some of each class.

    Segments of one file or of its copies, and files of one ``source`` or ``group`` where there is such a column, stay
    together, whatever classes they are of; but where a class has one alone. Train keeps some of each class.
    """
    labels = {row: one.segment.label for row, one in enumerate(plans) if one.segment.split == "train"}
    sources = _sources(plans, entries)
    several = {label for label in set(labels.values()) if len({sources[r] for r in labels if labels[r] == label}) > 1}
    groups = dict[str, list[int]]()
    for row, label in labels.items():
        groups.setdefault(sources[row] if label in several else f"row {row}", []).append(row)
    left = Counter(labels.values())
    wanted = Counter({label: max(count // SHARE, min(1, count - 1)) for label, count in left.items()})
    taken = set[int]()
    names = sorted(groups)
    for place in np.random.default_rng(0).permutation(len(names)):
        own = groups[names[place]]
        counts = Counter(labels[row] for row in own)
        if any(wanted[label] > 0 for label in counts) and all(left[label] > counts[label] for label in counts):
            taken.update(own)
            left, wanted = left - counts, Counter({label: wanted[label] - counts[label] for label in wanted})
    return [
        replace(one, segment=replace(one.segment, split="val")) if row in taken else one
        for row, one in enumerate(plans)
    ]


def _sources(plans: Sequence[Plan], entries: Sequence[Entry]) -> list[str]:
    """What each plan's recording was cut from: a column tells it, else it is the file."""
    own = [entries[one.segment.entry] for one in plans]
    columns = [next((name for name in entry.extra if name.lower() in SOURCES), "") for entry in own]
    files = recording_numbers(own)
    return [
        f"source {told}" if (told := entry.extra.get(column, "")) else f"file {number:09d}"
        for entry, column, number in zip(own, columns, files, strict=True)
    ]
