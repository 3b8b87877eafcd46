"""Recordings, or segments of them, as a dataset whose items depend on nothing but (seed, epoch, item)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from avgdt.data.batch import Batch, Failure, collate
from avgdt.data.clips import ClipReader, Item
from avgdt.data.windows import Window
from avgdt.media.errors import MediaError
from avgdt.media.manifest import Entry

Order = tuple[int, int]
"""(epoch, index)."""


@dataclass
class Clips(Dataset[Item | Failure]):
    """Items asked for by (epoch, index): workers need no state, so their number changes nothing."""

    entries: Sequence[Entry]
    reader: ClipReader
    windows: Callable[[int, int], Sequence[Window]]
    """(epoch, index) -> the windows to read."""
    recordings: Sequence[int] = ()
    """The recording that each item is of; empty where each is one of its own."""

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, order: Order) -> Item | Failure:
        """Read the windows of one item; a file that fails is told, not hidden."""
        epoch, index = order
        try:
            item = self.reader.read(index, self.entries[index], self.windows(epoch, index), epoch)
            return replace(item, recording=self.recordings[index]) if self.recordings else item
        except MediaError as error:
            return Failure(index, str(error))


@dataclass
class Batches(Sampler[list[Order]]):
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

    def __iter__(self) -> Iterator[list[Order]]:
        for epoch in range(self.first_step // self.steps_per_epoch, self.epochs):
            order = np.random.default_rng([self.seed, epoch, 0x0DE5]).permutation(self.recordings)
            shown = order if self.rest == "spread" else order[: self.steps_per_epoch * self.batch]
            first = max(self.first_step - epoch * self.steps_per_epoch, 0)
            for lot in np.array_split(shown, self.steps_per_epoch)[first:]:
                yield [(epoch, int(i)) for i in lot]


def training_batches(clips: Clips, batches: Batches, workers: int, pin_memory: bool) -> DataLoader[Batch]:
    """A loader over all steps still to go."""
    return _loader(clips, batches, workers, pin_memory)


def ordered_batches(clips: Clips, batch: int, workers: int) -> DataLoader[Batch]:
    """Every item once, in order (epoch 0)."""
    indices = range(len(clips))
    orders = [[(0, i) for i in indices[first : first + batch]] for first in range(0, len(clips), batch)]
    return _loader(clips, orders, workers, pin_memory=False)


def _loader(
    clips: Clips, batches: Sampler[list[Order]] | list[list[Order]], workers: int, pin_memory: bool
) -> DataLoader[Batch]:
    return DataLoader(
        clips,  # type: ignore[arg-type]  # collate turns items into a batch
        batch_sampler=batches,
        collate_fn=collate,
        num_workers=workers,
        prefetch_factor=2 if workers else None,
        pin_memory=pin_memory,
        generator=torch.Generator(),  # else it would draw from the random state that belongs to the learning
    )
