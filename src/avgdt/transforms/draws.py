"""All randomness of augmentation: a pure function of who is drawn for, on the CPU, as small arrays of parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

Generators = Sequence[np.random.Generator]


def generator(seed: int, epoch: int, recording: int, view: int) -> np.random.Generator:
    """The generator of one view of one recording in one epoch; the same on every worker, rank and resumed run."""
    # A spawn key, since as a fourth word of entropy view 0 would draw the same stream as (seed, epoch, recording).
    return np.random.default_rng(np.random.SeedSequence((seed, epoch, recording), spawn_key=(view,)))


def generators(seed: int, epoch: int, recordings: Iterable[int], view: int) -> list[np.random.Generator]:
    """One generator per recording of a batch."""
    return [generator(seed, epoch, recording, view) for recording in recordings]
