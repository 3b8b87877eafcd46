"""Folds of a labelled data set: the training, validation and test recordings of each fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgdt.data.manifest import Entry
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.splits import VAL_DIVISOR, labelled_splits, sort_names

LEAST = 3
"""Minimum number of folds for cross-validation: one for testing, one for validation, and one for training."""


@dataclass(frozen=True)
class Fold:
    """Training, validation and test sets of one fold, as indices into a list of segments."""

    name: str
    """Name of the test fold or of the official split."""
    train: NDArray[np.int64]
    """Indices of the segments used to fit classifiers during hyperparameter selection."""
    val: NDArray[np.int64]
    """Indices of the segments used to select a hyperparameter."""
    test: NDArray[np.int64]
    """Indices of the test segments."""

    @property
    def train_val(self) -> NDArray[np.int64]:
        """Indices of the complete training set: ``train``, followed by ``val``."""
        return np.concatenate([self.train, self.val])


@dataclass(frozen=True)
class Folds:
    """All folds of a data set, with its class names and targets."""

    folds: list[Fold]
    classes: list[str]
    """Class names, sorted; the targets are indices into this list."""
    targets: NDArray[np.int64]
    """Class index of each segment, (segments,)."""


def cross_validation(segments: Sequence[Segment], names: Sequence[str], tested: Sequence[str] = ()) -> Folds:
    """Build cross-validation folds: each of the folds ``names`` (or only those in ``tested``) is the test set once.

    The validation set is the fold that follows the test fold in cyclic order. ``names`` are values of
    ``Segment.split``, and every segment must belong to one of them. Raises :class:`EvaluationError` if there are fewer
    than three folds, if a fold is empty or named twice, if a class is missing from a fold, if all segments have the
    same class, or if ``tested`` has a name that is not in ``names``.
    """
    if len(names) < LEAST or len(set(names)) < len(names):
        raise EvaluationError(
            f"folds: {' '.join(names) or 'none'}; at least three different folds are needed: one "
            "for testing, one for validation, the others for training"
        )
    for name in tested:
        if name not in names:
            raise EvaluationError(f"test_folds: {name} is not one of the folds {' '.join(names)}; choose among these")
    rows = {name: np.array([i for i, s in enumerate(segments) if s.split == name], dtype=np.int64) for name in names}
    classes = sort_names({segment.label for segment in segments})
    for name in names:
        if not len(rows[name]):
            raise EvaluationError(f"fold {name}: no readable recording is present; restore its files or skip the fold")
    absent = {name: [c for c in classes if c not in {segments[i].label for i in rows[name]}] for name in names}
    for name, without in absent.items():
        if without:
            more = f" and {len(without) - 1} more" if len(without) > 1 else ""
            raise EvaluationError(
                f"fold {name}: has no recording of class '{without[0]}'{more}, which other folds have; "
                "the data is incomplete: add the missing files (esc10 needs only ten of the classes)"
            )
    _check_classes(classes)
    folds = []
    for number, name in enumerate(names):
        if tested and name not in tested:
            continue
        val = names[(number + 1) % len(names)]
        train = np.concatenate([rows[other] for other in names if other not in (name, val)])
        folds.append(Fold(name, train, rows[val], rows[name]))
    return Folds(folds, classes, _targets(segments, classes))


def train_test_fold(segments: Sequence[Segment]) -> Folds:
    """Build the single fold of a data set with the splits ``train`` and ``test``.

    Part of ``train`` is used for validation. Raises :class:`EvaluationError` if a split is empty or if a class is
    missing from ``train``.
    """
    splits = labelled_splits(segments, ("train", "test"))
    train, test = (np.array(splits.rows[split], dtype=np.int64) for split in ("train", "test"))
    targets = _targets(segments, splits.classes)
    val = draw_val(train, targets)
    return Folds([Fold("test", np.setdiff1d(train, val), val, test)], splits.classes, targets)


def all_entries(splits: Mapping[str, Sequence[Entry]]) -> list[Entry]:
    """Return the distinct recordings of all official splits, sorted by path, without the ``split`` column."""
    entries = dict[Path, Entry]()
    for listed in splits.values():
        for entry in listed:
            extra = {name: cell for name, cell in entry.extra.items() if name != "split"}
            entries.setdefault(entry.path, Entry(entry.path, extra=extra, error=entry.error))
    return [entries[path] for path in sorted(entries)]


def official_folds(
    splits: Mapping[str, Sequence[Entry]], entries: Sequence[Entry], segments: Sequence[Segment]
) -> Folds:
    """Build one fold for each official split from the usable recordings.

    ``segments`` are the usable segments of ``entries``. ``splits`` maps the name of each split to its recordings. For
    each recording, ``extra["split"]`` is train or test, and ``extra["source"]`` is the name of its source, if known.
    Part of the training set is used for validation, see :func:`draw_val`. Raises :class:`EvaluationError` if all
    recordings have the same class, or if a split lists train or test recordings of a class but none of them is usable.
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
                    f"split {name}: none of the {part} recordings of class '{missing[0]}' is present and readable; "
                    "check these files, or add the missing ones"
                )
        val = draw_val(train, targets, sources)
        folds.append(Fold(name, np.setdiff1d(train, val), val, test))
    return Folds(folds, classes, targets)


def draw_val(train: NDArray[np.int64], targets: NDArray[np.int64], sources: Sequence[str] = ()) -> NDArray[np.int64]:
    """Draw about a fifth of each class's training recordings for validation; return their sorted indices.

    ``train`` holds the indices of the training recordings. ``targets`` holds the class indices of all recordings, and
    ``sources`` the names of their sources, if known. Within a class, recordings of the same source are drawn together,
    unless the class has a single source. The only recording of a class is never drawn. The random seed is fixed.
    """
    rng, chosen = np.random.default_rng(0), [np.empty(0, dtype=np.int64)]
    for target in np.unique(targets[train]):
        rows = np.sort(train[targets[train] == target])
        count = max(len(rows) // VAL_DIVISOR, min(1, len(rows) - 1))
        groups = np.array([sources[row] for row in rows]) if len(sources) else np.arange(len(rows))
        names = np.unique(groups)
        if len(names) == 1:
            groups, names = np.arange(len(rows)), np.arange(len(rows))
        order = rng.permutation(len(names))
        sizes = np.array([(groups == names[number]).sum() for number in order])
        # Sources are added until `count` recordings are reached; the last source always remains in the training set.
        enough = min(int(np.searchsorted(np.cumsum(sizes), count)) + 1, len(names) - 1) if count else 0
        chosen.append(rows[np.isin(groups, names[order[:enough]])])
    return np.sort(np.concatenate(chosen))


def check_classes_remain(listed: Folds, usable: Folds) -> None:
    """Raise :class:`EvaluationError` if a train or test set has a class in ``listed`` but not in ``usable``."""
    for before, after in zip(listed.folds, usable.folds, strict=True):
        for role, part in (("train", "train_val"), ("test", "test")):
            expected, present = (
                {folds.classes[target] for target in folds.targets[getattr(fold, part)]}
                for folds, fold in ((listed, before), (usable, after))
            )
            if missing := sort_names(expected - present):
                raise EvaluationError(
                    f"class '{missing[0]}': none of its {role} recordings can be read; check or restore these files"
                )


def _check_classes(classes: Sequence[str]) -> None:
    if len(classes) < 2:
        raise EvaluationError(f"all recordings have the class '{classes[0]}'; at least two classes are needed")


def _targets(segments: Sequence[Segment], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return the class index of each segment, (segments,); -1 for a class that is not in ``classes``."""
    indices = {name: index for index, name in enumerate(classes)}
    return np.array([indices.get(segment.label, -1) for segment in segments], dtype=np.int64)
