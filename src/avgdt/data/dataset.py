"""Stateless data sets of clips, whose items depend only on (seed, epoch, index), and the order of batches."""

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
"""Key of a data set item: the epoch and the index of the item."""


@dataclass
class Clips:
    """A stateless data set of clips, indexed by (epoch, index)."""

    entries: Sequence[Entry]
    """Recordings or segments, one for each item."""
    reader: ClipReader
    """Reader of the clips."""
    windows: Callable[[int, int], Sequence[Window]]
    """Function that maps (epoch, index) to the time windows to read."""
    recordings: Sequence[int] = ()
    """Index of the recording of each item; empty if every item is a different recording."""

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, key: ItemKey) -> Item | Failure:
        """Read the clips of one item; return a :class:`Failure` if the file cannot be read."""
        epoch, index = key
        try:
            item = self.reader.read(index, self.entries[index], self.windows(epoch, index), epoch)
            return replace(item, recording=self.recordings[index]) if self.recordings else item
        except MediaError as error:
            return Failure(index, str(error), isinstance(error, Corrupt | EndsEarly))


@dataclass
class Batches:
    """The batches of a training run, as lists of item keys; each epoch is a random permutation of the items."""

    recordings: int
    """Number of items in the data set."""
    batch: int
    """Batch size."""
    epochs: int
    """Number of epochs."""
    seed: int
    """Seed of the permutations."""
    first_step: int = 0
    """Number of batches to skip, for example when a run is resumed."""
    remainder: Literal["drop", "spread"] = "drop"
    """Treatment of the items that do not fill a batch: "drop" omits them from the epoch, "spread" distributes all items
    evenly over smaller batches of at least two items."""

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in an epoch."""
        full = self.recordings // self.batch
        return (
            full if self.remainder == "drop" else max(min(ceil(self.recordings / self.batch), self.recordings // 2), 1)
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
    """The sequence of item groups that one process trains on; each group is a part of a batch."""

    batches: Batches
    """Batches of the training run, which are the same in all processes."""
    groups: int
    """Number of groups into which each batch is divided."""
    portion: range
    """Indices of the groups of a batch that this process trains on."""

    def __len__(self) -> int:
        return len(self.batches) * len(self.portion)

    def __iter__(self) -> Iterator[list[ItemKey]]:
        for items in self.batches:
            for group in self.portion:
                bounds = [len(items) * edge // self.groups for edge in (group, group + 1)]
                yield items[slice(*bounds)]


def training_steps(clips: Clips, order: Groups, workers: int, pin_memory: bool) -> Generator[list[Batch], None, None]:
    """Yield the groups of each remaining training step as a list of batches, one per group of this process."""
    with closing(read_batches(clips, order, workers, pin_memory)) as groups:
        while step := list(islice(groups, len(order.portion))):
            yield step


def training_batches(clips: Clips, batches: Batches, workers: int, pin_memory: bool) -> Generator[Batch, None, None]:
    """Return an iterator over the remaining batches of a training run.

    For the arguments, see :func:`avgdt.data.workers.read_batches`.
    """
    return read_batches(clips, batches, workers, pin_memory)


def ordered_batches(clips: Clips, batch: int, workers: int) -> Generator[Batch, None, None]:
    """Return an iterator over batches of all items in order, with the windows of epoch 0."""
    indices = range(len(clips))
    keys = [[(0, i) for i in indices[first : first + batch]] for first in range(0, len(clips), batch)]
    return read_batches(clips, keys, workers, pin_memory=False)
