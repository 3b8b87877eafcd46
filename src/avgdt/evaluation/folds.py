"""Folds of a labelled data set: which recordings each of them trains, validates and tests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgdt.data.manifest import Entry
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.splits import VAL_SHARE, labelled_splits, sort_names

LEAST = 3
"""Fewest folds of a cross-validation: one tests, one validates, the rest trains."""


@dataclass(frozen=True)
class Fold:
    """One fold; rows are indices into the segments."""

    name: str
    """The fold that is tested, or the official split."""
    train: NDArray[np.int64]
    """Fitted on while a hyperparameter is chosen."""
    val: NDArray[np.int64]
    """The part of the training set on which a hyperparameter is chosen."""
    test: NDArray[np.int64]
    """Measured on, never fitted on."""

    @property
    def train_val(self) -> NDArray[np.int64]:
        """The whole training set: ``train``, then ``val``."""
        return np.concatenate([self.train, self.val])


@dataclass(frozen=True)
class Folds:
    """All folds of a data set and its classes."""

    folds: list[Fold]
    classes: list[str]
    """Their names, sorted; their indices are the targets."""
    targets: NDArray[np.int64]
    """(segments,) class indices."""


def cross_validation(segments: Sequence[Segment], names: Sequence[str]) -> Folds:
    """Each fold of ``names`` (the ``split`` of its segments) is tested once, the next one cyclically validates.

    All segments must be of one of the folds. Raises :class:`EvaluationError` for fewer than three folds, one that is
    named twice or empty, one class in all, and a class missing from a fold.
    """
    if len(names) < LEAST or len(set(names)) < len(names):
        raise EvaluationError(
            f"folds: {' '.join(names) or 'none'}; name three different ones or more: one tests, one validates, the "
            "rest trains; no fold can be measured without the others"
        )
    rows = {name: np.array([i for i, s in enumerate(segments) if s.split == name], dtype=np.int64) for name in names}
    classes = sort_names({segment.label for segment in segments})
    for name in names:
        if not len(rows[name]):
            raise EvaluationError(f"fold {name}: no readable recording is present; get them or skip the fold")
    absent = {name: [c for c in classes if c not in {segments[i].label for i in rows[name]}] for name in names}
    for name, without in absent.items():
        if without:
            more = f" and {len(without) - 1} other classes" if len(without) > 1 else ""
            raise EvaluationError(
                f"fold {name}: has no recording of class '{without[0]}'{more}, which other folds have; "
                "the data is incomplete: get the rest (esc10 needs ten classes alone)"
            )
    _check_classes(classes)
    folds = []
    for number, name in enumerate(names):
        val = names[(number + 1) % len(names)]
        train = np.concatenate([rows[other] for other in names if other not in (name, val)])
        folds.append(Fold(name, train, rows[val], rows[name]))
    return Folds(folds, classes, _targets(segments, classes))


def train_test_fold(segments: Sequence[Segment]) -> Folds:
    """The one fold of a data set with the splits train and test; a part of train validates.

    Raises :class:`EvaluationError` for a class that is missing from train.
    """
    splits = labelled_splits(segments, ("train", "test"))
    train, test = (np.array(splits.rows[split], dtype=np.int64) for split in ("train", "test"))
    targets = _targets(segments, splits.classes)
    val = draw_val(train, targets)
    return Folds([Fold("test", np.setdiff1d(train, val), val, test)], splits.classes, targets)


def all_entries(splits: Mapping[str, Sequence[Entry]]) -> list[Entry]:
    """Every recording of the official splits once, without its split, sorted by path: any splits give one order."""
    entries = dict[Path, Entry]()
    for listed in splits.values():
        for entry in listed:
            extra = {name: cell for name, cell in entry.extra.items() if name != "split"}
            entries.setdefault(entry.path, Entry(entry.path, extra=extra, error=entry.error))
    return [entries[path] for path in sorted(entries)]


def official_folds(
    splits: Mapping[str, Sequence[Entry]], entries: Sequence[Entry], segments: Sequence[Segment]
) -> Folds:
    """One fold for each official split, over the usable recordings: ``segments`` of ``entries``.

    ``splits``: name -> its recordings with ``extra["split"]`` train or test, and ``extra["source"]`` where it is known.
    A part of train validates, recordings of one source together. Raises :class:`EvaluationError` for one class in all,
    and for a class of which a split lists train or test recordings and none is usable.
    """
    classes = sort_names({entry.extra["label"] for listed in splits.values() for entry in listed})
    _check_classes(classes)
    targets = _targets(segments, classes)
    sources = [entries[segment.entry].extra.get("source", "") for segment in segments]
    folds = []
    for name, listed in splits.items():
        role = {entry.path: entry.extra["split"] for entry in listed}
        roles = np.array([role.get(entries[segment.entry].path, "") for segment in segments])
        train, test = (np.flatnonzero(roles == part) for part in ("train", "test"))
        for part, rows in (("train", train), ("test", test)):
            expected = {entry.extra["label"] for entry in listed if entry.extra["split"] == part}
            if missing := sort_names(expected - {classes[target] for target in targets[rows]}):
                raise EvaluationError(
                    f"split {name}: none of the {part} recordings of class '{missing[0]}' is here and can be read; "
                    "look into them, or get the rest of the data set"
                )
        val = draw_val(train, targets, sources)
        folds.append(Fold(name, np.setdiff1d(train, val), val, test))
    return Folds(folds, classes, targets)


def draw_val(train: NDArray[np.int64], targets: NDArray[np.int64], sources: Sequence[str] = ()) -> NDArray[np.int64]:
    """Sorted rows of ``train`` that validate: about a fifth of each class, drawn, the same at every call.

    ``targets`` are the classes of all rows. Where ``sources`` of all rows are given, recordings of one source stay
    together, in classes that have several. A class of one recording gives none.
    """
    rng, chosen = np.random.default_rng(0), [np.empty(0, dtype=np.int64)]
    for target in np.unique(targets[train]):
        rows = np.sort(train[targets[train] == target])
        count = max(len(rows) // VAL_SHARE, min(1, len(rows) - 1))
        groups = np.array([sources[row] for row in rows]) if len(sources) else np.arange(len(rows))
        names = np.unique(groups)
        if len(names) == 1:
            groups, names = np.arange(len(rows)), np.arange(len(rows))
        order = rng.permutation(len(names))
        sizes = np.array([(groups == names[number]).sum() for number in order])
        # All sources before the one that fills the share, that one too, but never the last: it is trained on.
        enough = min(int(np.searchsorted(np.cumsum(sizes), count)) + 1, len(names) - 1) if count else 0
        chosen.append(rows[np.isin(groups, names[order[:enough]])])
    return np.sort(np.concatenate(chosen))


def check_classes_remain(listed: Folds, usable: Folds) -> None:
    """Raise :class:`EvaluationError` for a class that a fold of ``listed`` has and that fold of ``usable`` has not."""
    for before, after in zip(listed.folds, usable.folds, strict=True):
        for role, part in (("train", "train_val"), ("test", "test")):
            expected, present = (
                {folds.classes[target] for target in folds.targets[getattr(fold, part)]}
                for folds, fold in ((listed, before), (usable, after))
            )
            if missing := sort_names(expected - present):
                raise EvaluationError(
                    f"class '{missing[0]}': none of its {role} recordings can be read; look into them, or get them anew"
                )


def _check_classes(classes: Sequence[str]) -> None:
    if len(classes) < 2:
        raise EvaluationError(f"all recordings are of the one class '{classes[0]}'; classification takes two or more")


def _targets(segments: Sequence[Segment], classes: Sequence[str]) -> NDArray[np.int64]:
    """(segments,) class indices, -1 for a class that is not among ``classes``."""
    indices = {name: index for index, name in enumerate(classes)}
    return np.array([indices.get(segment.label, -1) for segment in segments], dtype=np.int64)
