"""Random number generators of the augmentations: a pure function of seed, epoch, item and view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

Generators = Sequence[np.random.Generator]
"""One generator for each item of a batch; augmentations draw their parameters from it on the CPU."""


def view_generator(seed: int, epoch: int, item: int, view: int) -> np.random.Generator:
    """The generator of one view of one item in one epoch; the same on every worker, rank and resumed run."""
    # The view is a spawn key: as a fourth word of entropy, view 0 would have the stream of (seed, epoch, item).
    return np.random.default_rng(np.random.SeedSequence((seed, epoch, item), spawn_key=(view,)))


def view_generators(seed: int, epoch: int, items: Iterable[int], view: int) -> list[np.random.Generator]:
    """One generator per item of a batch."""
    return [view_generator(seed, epoch, item, view) for item in items]
