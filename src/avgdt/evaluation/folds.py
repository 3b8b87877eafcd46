"""Folds of a labelled data set: each is tested once, one of the others chooses, the rest train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.splits import sort_names

LEAST = 3


@dataclass(frozen=True)
class Fold:
    """One turn; rows are indices into the segments."""

    name: str
    """The fold that is tested."""
    train: NDArray[np.int64]
    """Fitted on while something is chosen."""
    val: NDArray[np.int64]
    """Chosen on: the next fold of the test fold, cyclically, a training fold like the others."""
    test: NDArray[np.int64]
    """Measured on, never seen before."""

    @property
    def taught(self) -> NDArray[np.int64]:
        """All training folds: ``train`` and ``val``."""
        return np.concatenate([self.train, self.val])


@dataclass(frozen=True)
class Folds:
    """All turns and what is to be told apart."""

    turns: list[Fold]
    """One for each fold."""
    classes: list[str]
    """Their names, sorted; their places are the targets."""
    targets: NDArray[np.int64]
    """(segments,) class indices."""


def make_folds(segments: Sequence[Segment], names: Sequence[str]) -> Folds:
    """Turns over the folds ``names``, each the ``split`` of its segments; all segments must be of one of them.

    Raises :class:`EvaluationError` for fewer than three folds, one that is named twice or empty, one class in all, and
    a class that a fold lacks.
    """
    if len(names) < LEAST or len(set(names)) < len(names):
        raise EvaluationError(
            f"folds: {' '.join(names) or 'none'}; name three different ones or more: one is tested, one chooses, the "
            "rest train; no fold can be measured without the others"
        )
    rows = {name: np.array([i for i, s in enumerate(segments) if s.split == name], dtype=np.int64) for name in names}
    classes = sort_names({segment.label for segment in segments})
    for name in names:
        if not len(rows[name]):
            raise EvaluationError(f"fold {name}: none of its sounds is here and can be read; get them or leave it out")
    lacking = {name: [c for c in classes if c not in {segments[i].label for i in rows[name]}] for name in names}
    for name, without in lacking.items():
        if without:
            more = f" and {len(without) - 1} other classes" if len(without) > 1 else ""
            raise EvaluationError(
                f"fold {name}: has no sound of class '{without[0]}'{more}, which other folds have; "
                "the data is incomplete: get the rest (esc10 needs ten classes alone)"
            )
    if len(classes) < 2:
        raise EvaluationError(
            f"category: all sounds are of the one class '{classes[0]}'; there is nothing to tell apart"
        )
    places = {name: index for index, name in enumerate(classes)}
    turns = [_turn(rows, list(names), place) for place in range(len(names))]
    return Folds(turns, classes, np.array([places[segment.label] for segment in segments], dtype=np.int64))


def check_still_there(asked: Folds, left: Folds) -> None:
    """Raise :class:`EvaluationError` for a class that a turn of ``asked`` has and the same turn of ``left`` lacks.

    ``asked`` is of all that was to be measured, ``left`` of what could be read.
    """
    for before, after in zip(asked.turns, left.turns, strict=True):
        for part in ("taught", "test"):
            wanted, found = (
                {folds.classes[target] for target in folds.targets[getattr(turn, part)]}
                for folds, turn in ((asked, before), (left, after))
            )
            if lost := sort_names(wanted - found):
                role = "test" if part == "test" else "train"
                raise EvaluationError(
                    f"class '{lost[0]}': none of its {role} recordings can be read; look into them, or get them anew"
                )


def _turn(rows: dict[str, NDArray[np.int64]], names: list[str], place: int) -> Fold:
    test, val = names[place], names[(place + 1) % len(names)]
    train = np.concatenate([rows[name] for name in names if name not in (test, val)])
    return Fold(test, train, rows[val], rows[test])
