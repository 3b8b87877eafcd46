"""Official splits of one data set: the same recordings, taught and tested in other ways in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.choosing import choosing
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.splits import sort_names
from avgdt.media.manifest import Entry


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
    :class:`EvaluationError` for a class of the test recordings that is not taught, and a split without any.
    """
    classes = sort_names({segment.label for segment in segments})
    places = {name: index for index, name in enumerate(classes)}
    targets = np.array([places[segment.label] for segment in segments], dtype=np.int64)
    sources = [entries[segment.entry].extra.get("source", "") for segment in segments]
    turns = []
    for name, listed in splits.items():
        role = {entry.path: entry.extra["split"] for entry in listed}
        roles = np.array([role.get(entries[segment.entry].path, "") for segment in segments])
        taught, test = (np.flatnonzero(roles == wanted) for wanted in ("train", "test"))
        _check(name, taught, test, targets, classes)
        val = choosing(taught, targets, sources)
        turns.append(Fold(name, np.setdiff1d(taught, val), val, test))
    return Folds(turns, classes, targets)


def _check(
    name: str, taught: NDArray[np.int64], test: NDArray[np.int64], targets: NDArray[np.int64], classes: Sequence[str]
) -> None:
    for role, rows in (("train", taught), ("test", test)):
        if not len(rows):
            raise EvaluationError(f"split {name}: none of its {role} recordings is here and can be read")
    untaught = set(targets[test].tolist()) - set(targets[taught].tolist())
    if untaught:
        raise EvaluationError(
            f"split {name}: class '{classes[min(untaught)]}' has test recordings but no train recording that can be "
            "read; get the rest of the data set"
        )
