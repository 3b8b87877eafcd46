"""Random number generators of the augmentations, which depend only on seed, epoch, item and view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

Generators = Sequence[np.random.Generator]
"""Generators of a batch, one per item, from which augmentations draw their parameters on the CPU."""


def view_generator(seed: int, epoch: int, item: int, view: int) -> np.random.Generator:
    """Return the generator for a view of an item in an epoch; it is the same on every worker, rank and resumed run."""
    # The view is a spawn key: as a fourth entropy word, view 0 would give the same stream as (seed, epoch, item).
    return np.random.default_rng(np.random.SeedSequence((seed, epoch, item), spawn_key=(view,)))


def view_generators(seed: int, epoch: int, items: Iterable[int], view: int) -> list[np.random.Generator]:
    """Return the generators of a view in an epoch, one per item of a batch."""
    return [view_generator(seed, epoch, item, view) for item in items]
