"""Recordings, or segments of them, as a dataset whose items depend on nothing but (seed, epoch, item)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

import numpy as np

from avgdt.data.batch import Batch, Failure
from avgdt.data.clips import ClipReader, Item
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window
from avgdt.data.workers import read_batches
from avgdt.media.errors import Corrupt, EndsEarly, MediaError

ItemKey = tuple[int, int]
"""(epoch, index)."""


@dataclass
class Clips:
    """Items asked for by (epoch, index): workers need no state, so their number changes nothing."""

    entries: Sequence[Entry]
    reader: ClipReader
    windows: Callable[[int, int], Sequence[Window]]
    """(epoch, index) -> the windows to read."""
    recordings: Sequence[int] = ()
    """The recording that each item is of; empty where each is one of its own."""

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, order: ItemKey) -> Item | Failure:
        """Read the windows of one item; a file that fails is told, not hidden."""
        epoch, index = order
        try:
            item = self.reader.read(index, self.entries[index], self.windows(epoch, index), epoch)
            return replace(item, recording=self.recordings[index]) if self.recordings else item
        except MediaError as error:
            return Failure(index, str(error), isinstance(error, Corrupt | EndsEarly))


@dataclass
class Batches:
    """Batches of all epochs in a row, from any step on; each epoch is a seeded permutation."""

    recordings: int
    batch: int
    epochs: int
    seed: int
    first_step: int = 0
    rest: Literal["left out", "spread"] = "left out"
    """What does not fill a batch: left out of its epoch, or all batches a little smaller (but of two at least)."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        whole = self.recordings // self.batch
        return (
            whole if self.rest == "left out" else max(min(ceil(self.recordings / self.batch), self.recordings // 2), 1)
        )

    def __len__(self) -> int:
        return self.steps_per_epoch * self.epochs - self.first_step

    def __iter__(self) -> Iterator[list[ItemKey]]:
        for epoch in range(self.first_step // self.steps_per_epoch, self.epochs):
            order = np.random.default_rng([self.seed, epoch, 0x0DE5]).permutation(self.recordings)
            shown = order if self.rest == "spread" else order[: self.steps_per_epoch * self.batch]
            first = max(self.first_step - epoch * self.steps_per_epoch, 0)
            for lot in np.array_split(shown, self.steps_per_epoch)[first:]:
                yield [(epoch, int(i)) for i in lot]


def training_batches(clips: Clips, batches: Batches, workers: int, pin_memory: bool) -> Generator[Batch, None, None]:
    """All batches still to go; see :func:`avgdt.data.workers.read_batches`."""
    return read_batches(clips, batches, workers, pin_memory)


def ordered_batches(clips: Clips, batch: int, workers: int) -> Generator[Batch, None, None]:
    """Every item once, in order (epoch 0)."""
    indices = range(len(clips))
    orders = [[(0, i) for i in indices[first : first + batch]] for first in range(0, len(clips), batch)]
    return read_batches(clips, orders, workers, pin_memory=False)
