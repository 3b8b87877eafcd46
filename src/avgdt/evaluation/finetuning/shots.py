"""Few labels: some examples of every class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.errors import EvaluationError

ALL = 0
"""Stands for every example there is."""


def draw_shots(
    targets: NDArray[np.int64], classes: Sequence[str], shots: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Sorted places in ``targets`` (n,) of ``shots`` examples of every class, drawn without replacement.

    Raises :class:`EvaluationError` where a class has fewer.
    """
    if shots == ALL:
        return np.arange(len(targets))
    chosen = []
    for number, name in enumerate(classes):
        places = np.flatnonzero(targets == number)
        if len(places) < shots:
            raise EvaluationError(
                f"shots: class '{name}' has {len(places)} of {shots} examples in train; use fewer, or {ALL} for all"
            )
        chosen.append(random.choice(places, shots, replace=False))
    return np.sort(np.concatenate(chosen))


def check_shots(shots: Sequence[int]) -> None:
    """Raise :class:`EvaluationError` where they are not different numbers of examples."""
    if not shots or min(shots) < 0 or len(set(shots)) < len(shots):
        raise EvaluationError(f"shots: {tuple(shots)} must be different numbers of examples, {ALL} for all there are")


def shots_name(shots: int) -> str:
    """What its row is called."""
    return "finetuned" if shots == ALL else f"finetuned_{shots}_label{'s' if shots > 1 else ''}_a_class"
