"""Data sets of clips whose items are pure functions of (seed, epoch, index), and the order of their batches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
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
"""(epoch, index of the item)."""


@dataclass
class Clips:
    """A data set of clips, indexed by (epoch, index): stateless, so that the number of workers changes nothing."""

    entries: Sequence[Entry]
    reader: ClipReader
    windows: Callable[[int, int], Sequence[Window]]
    """(epoch, index) -> the windows to read."""
    recordings: Sequence[int] = ()
    """Number of the recording of each item; empty if every item is a recording of its own."""

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, key: ItemKey) -> Item | Failure:
        """Read the windows of one item; a :class:`Failure` where the file cannot be read."""
        epoch, index = key
        try:
            item = self.reader.read(index, self.entries[index], self.windows(epoch, index), epoch)
            return replace(item, recording=self.recordings[index]) if self.recordings else item
        except MediaError as error:
            return Failure(index, str(error), isinstance(error, Corrupt | EndsEarly))


@dataclass
class Batches:
    """The items of the batches of all epochs, from ``first_step`` on; each epoch is a seeded permutation."""

    recordings: int
    batch: int
    epochs: int
    seed: int
    first_step: int = 0
    remainder: Literal["drop", "spread"] = "drop"
    """Items that do not fill a batch: dropped from the epoch, or spread over smaller batches of at least two."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        whole = self.recordings // self.batch
        return (
            whole if self.remainder == "drop" else max(min(ceil(self.recordings / self.batch), self.recordings // 2), 1)
        )

    def __len__(self) -> int:
        return self.steps_per_epoch * self.epochs - self.first_step

    def __iter__(self) -> Iterator[list[ItemKey]]:
        for epoch in range(self.first_step // self.steps_per_epoch, self.epochs):
            order = np.random.default_rng([self.seed, epoch, 0x0DE5]).permutation(self.recordings)
            used = order if self.remainder == "spread" else order[: self.steps_per_epoch * self.batch]
            first = max(self.first_step - epoch * self.steps_per_epoch, 0)
            for items in np.array_split(used, self.steps_per_epoch)[first:]:
                yield [(epoch, int(i)) for i in items]


@dataclass
class Groups:
    """The groups of each batch that one process trains on: parts of the batch, in order, one list of items each."""

    batches: Batches
    groups: int
    """Number of groups in a whole batch."""
    portion: range
    """Indices of the groups that this process trains on."""

    def __len__(self) -> int:
        return len(self.batches) * len(self.portion)

    def __iter__(self) -> Iterator[list[ItemKey]]:
        for items in self.batches:
            for group in self.portion:
                bounds = [len(items) * edge // self.groups for edge in (group, group + 1)]
                yield items[slice(*bounds)]


def training_steps(clips: Clips, order: Groups, workers: int, pin_memory: bool) -> Generator[list[Batch], None, None]:
    """The groups of each remaining step; see :func:`avgdt.data.workers.read_batches`."""
    with closing(read_batches(clips, order, workers, pin_memory)) as groups:
        while step := list(islice(groups, len(order.portion))):
            yield step


def training_batches(clips: Clips, batches: Batches, workers: int, pin_memory: bool) -> Generator[Batch, None, None]:
    """All remaining batches of a training; see :func:`avgdt.data.workers.read_batches`."""
    return read_batches(clips, batches, workers, pin_memory)


def ordered_batches(clips: Clips, batch: int, workers: int) -> Generator[Batch, None, None]:
    """Batches of all items, each once and in order (epoch 0)."""
    indices = range(len(clips))
    keys = [[(0, i) for i in indices[first : first + batch]] for first in range(0, len(clips), batch)]
    return read_batches(clips, keys, workers, pin_memory=False)
