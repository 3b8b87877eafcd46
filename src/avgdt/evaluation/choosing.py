"""Which training recordings choose what a probe has to choose, where the data set does not say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHARE = 5
"""One in as many of each class, at least one where it has two."""


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
