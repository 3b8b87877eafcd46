"""The batch of a training step, divided into batch norm groups and distributed over the ranks of a training run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from avgdt.data.batch import Batch, select_rows
from avgdt.recipes.recipe import Recipe
from avgdt.training.errors import TrainingError
from avgdt.training.ranks import Ranks


def group_count(recipe: Recipe) -> int:
    """Return the number of batch norm groups of a batch: ``run.batch / run.norm_group``, rounded up.

    A ``run.norm_group`` of 0 selects a single group.
    """
    return math.ceil(recipe.run.batch / (recipe.run.norm_group or recipe.run.batch))


def parts_over(ranks: Ranks, groups: int, made_by: str, option: str) -> int:
    """Return the number of parts into which a batch is divided for distribution over ``ranks``.

    The parts are the ``groups``, or one part per rank if there is a single group. Raises :class:`TrainingError` if
    there are several groups but fewer than ranks. The message begins with ``made_by``, and its remedy names ``option``.
    """
    if 1 < groups < ranks.size:
        raise TrainingError(
            f"{made_by} {groups} batch norm groups, fewer than the {ranks.size} processes; start fewer processes, "
            f"or set {option} so that there are more groups, or a single group that all processes share"
        )
    return max(groups, ranks.size if groups == 1 else 0)


@dataclass(frozen=True)
class GlobalBatch:
    """A batch distributed over ranks: the indices of all its items, and the clips of this rank's groups."""

    local_groups: Sequence[Batch]
    """Batch norm groups of this rank, with their clips."""
    recordings: torch.Tensor
    """Index of the recording of each item on all ranks, (batch,) int64, in the order of groups."""
    items: torch.Tensor
    """Index of each item on all ranks, (batch,) int64, in the order of groups."""
    sizes: Sequence[Sequence[int]]
    """Number of items in each batch norm group: one sequence of group sizes per rank."""
    ranks: Ranks

    @classmethod
    def gather(cls, groups: Sequence[Batch], ranks: Ranks) -> GlobalBatch:
        """Exchange the indices of items and recordings with all ranks, and return the global batch.

        Every rank must call this method at the same step.
        """
        items, recordings = (
            [number for group in groups for number in getattr(group, name).tolist()] for name in ("items", "recordings")
        )
        every = ranks.gather_objects((items, recordings, [len(group) for group in groups]))
        return cls(
            groups,
            torch.tensor([number for _, numbers, _ in every for number in numbers]),
            torch.tensor([number for numbers, _, _ in every for number in numbers]),
            [sizes for _, _, sizes in every],
            ranks,
        )

    def __len__(self) -> int:
        return len(self.items)

    @property
    def counts(self) -> list[int]:
        """Number of items on each rank."""
        return [sum(sizes) for sizes in self.sizes]

    @property
    def rows(self) -> list[slice]:
        """Slices of the whole batch that the groups of this rank occupy, one slice per group."""
        first, slices = sum(self.counts[: self.ranks.rank]), list[slice]()
        for size in self.sizes[self.ranks.rank]:
            slices.append(slice(first, first + size))
            first += size
        return slices

    def clips(self, parts: Sequence[Sequence[torch.Tensor]]) -> list[Batch]:
        """Exchange clips between ranks, and return the clips of this rank's parts, one batch per part.

        ``parts[rank][part]`` holds the rows of the whole batch that belong to the part. Ranks exchange decoded clips
        (uint8 frames, float32 samples), since each rank can reproduce the augmentations of any clip.
        """
        mine = parts[self.ranks.rank]
        if self.ranks.size == 1:
            return [select_rows(self.local_groups, rows.tolist()) for rows in mine]
        ends = torch.tensor(self.counts).cumsum(0)
        end = int(ends[self.ranks.rank])
        local = range(end - self.counts[self.ranks.rank], end)
        needed = [[row for rows in of_rank for row in rows.tolist()] for of_rank in parts]
        outgoing = [[row - local.start for row in rows if row in local] for rows in needed]
        packed, layout = _pack(select_rows(self.local_groups, [row for rows in outgoing for row in rows]))
        holders = torch.searchsorted(ends, torch.cat(list(mine)), right=True)
        received = holders.bincount(minlength=self.ranks.size).tolist()
        arrived = self.ranks.exchange_rows(packed, [len(rows) for rows in outgoing], received)
        in_order = holders.argsort(stable=True).argsort()  # received rows are sorted by rank
        video, audio = layout.unpack(arrived[in_order.to(arrived.device)])
        sizes = [len(rows) for rows in mine]
        videos = [None] * len(mine) if video is None else torch.split(video, sizes)
        audios = [None] * len(mine) if audio is None else torch.split(audio, sizes)
        epoch = self.local_groups[0].epoch
        return [
            Batch(self.items[rows], self.recordings[rows], video, audio, None, None, epoch)
            for rows, video, audio in zip(mine, videos, audios, strict=True)
        ]


@dataclass(frozen=True)
class _Layout:
    """Shapes of the video and audio clips that are packed into one row of bytes per recording."""

    video: torch.Size | None
    audio: torch.Size | None

    def unpack(self, rows: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Unpack ``rows`` (n, bytes) into video and audio clips."""
        width = 0 if self.video is None else self.video.numel()
        video = None if self.video is None else rows[:, :width].reshape(-1, *self.video)
        audio = None
        if self.audio is not None:
            audio = rows[:, width:].contiguous().view(torch.float32).reshape(-1, *self.audio)
        return video, audio


def _pack(batch: Batch) -> tuple[torch.Tensor, _Layout]:
    """Pack the clips of a batch into one uint8 tensor (batch, bytes), and return it with the layout that unpacks it."""
    parts = []
    if batch.video is not None:
        parts.append(batch.video.flatten(1))
    if batch.audio is not None:
        parts.append(batch.audio.flatten(1).contiguous().view(torch.uint8))
    shapes = (None if clips is None else clips.shape[1:] for clips in (batch.video, batch.audio))
    return torch.cat(parts, dim=1), _Layout(*shapes)
