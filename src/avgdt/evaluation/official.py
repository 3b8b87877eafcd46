"""Official splits of one data set: the same recordings, taught and tested in other ways in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from avgdt.data.manifest import Entry
from avgdt.evaluation.choosing import choosing
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.splits import sort_names


def all_entries(splits: Mapping[str, Sequence[Entry]]) -> list[Entry]:
    """Every recording of the splits once, without what it is in a split; by path, so that any splits give one order."""
    found = dict[Path, Entry]()
    for entries in splits.values():
        for entry in entries:
            extra = {name: cell for name, cell in entry.extra.items() if name != "split"}
            found.setdefault(entry.path, Entry(entry.path, extra=extra, error=entry.error))
    return [found[path] for path in sorted(found)]


def official_folds(
    splits: Mapping[str, Sequence[Entry]], entries: Sequence[Entry], segments: Sequence[Segment]
) -> Folds:
    """One turn for each split, over the recordings that are left: ``segments`` of ``entries``.

    ``splits``: name -> its recordings with ``extra["split"]`` train or test, and ``extra["source"]`` where it is known.
    Which training recordings choose is drawn, the same at every call, those of one source together. Raises
    :class:`EvaluationError` for one class in all, and for a class of which a split lists train or test recordings and
    none of them is left.
    """
    classes = sort_names({entry.extra["label"] for listed in splits.values() for entry in listed})
    if len(classes) < 2:
        raise EvaluationError(f"all recordings are of the one class '{classes[0]}'; there is nothing to tell apart")
    places = {name: index for index, name in enumerate(classes)}
    targets = np.array([places[segment.label] for segment in segments], dtype=np.int64)
    sources = [entries[segment.entry].extra.get("source", "") for segment in segments]
    turns = []
    for name, listed in splits.items():
        role = {entry.path: entry.extra["split"] for entry in listed}
        roles = np.array([role.get(entries[segment.entry].path, "") for segment in segments])
        taught, test = (np.flatnonzero(roles == wanted) for wanted in ("train", "test"))
        for part, rows in (("train", taught), ("test", test)):
            wanted = {entry.extra["label"] for entry in listed if entry.extra["split"] == part}
            if lost := sort_names(wanted - {classes[target] for target in targets[rows]}):
                raise EvaluationError(
                    f"split {name}: none of the {part} recordings of class '{lost[0]}' is here and can be read; look "
                    "into them, or get the rest of the data set"
                )
        val = choosing(taught, targets, sources)
        turns.append(Fold(name, np.setdiff1d(taught, val), val, test))
    return Folds(turns, classes, targets)
