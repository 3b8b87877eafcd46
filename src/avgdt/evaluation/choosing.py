"""Which training recordings choose what a probe has to choose, where the data set does not say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.errors import EvaluationError

SHARE = 5
"""One in as many of each class, at least one where it has two."""


def choosing(taught: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sorted rows among ``taught``, drawn, the same at every call; ``targets`` are the classes of all rows.

    Raises :class:`EvaluationError` where no class has two.
    """
    random, chosen = np.random.default_rng(0), [np.empty(0, dtype=np.int64)]
    for target in np.unique(targets[taught]):
        own = np.sort(taught[targets[taught] == target])
        count = max(len(own) // SHARE, min(1, len(own) - 1))
        chosen.append(random.choice(own, count, replace=False))
    rows = np.sort(np.concatenate(chosen))
    if not len(rows):
        raise EvaluationError("split: train has one usable recording of each class; one of two or more has to choose")
    return rows
