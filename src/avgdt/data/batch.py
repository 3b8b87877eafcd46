"""Batches of clips: raw frames and raw waveforms with their true times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from avgdt.data.clips import Item


@dataclass(frozen=True)
class Failure:
    """An item of the data set whose clips cannot be read."""

    item: int
    """Index in the list of items."""
    reason: str
    """The error message, one line."""
    damaged: bool = False
    """Whether the recording is damaged in part, so that other clips of it may still be read."""


@dataclass(frozen=True)
class Batch:
    """A batch of decoded video and audio clips; ``windows`` are those of the composition's ``clips``, in order."""

    items: torch.Tensor
    """(batch,) int64: the index of each item in the list of items, which seeds its augmentations."""
    recordings: torch.Tensor
    """(batch,) int64: the recording of each item, which the objective compares: segments of one file are one recording,
    and not negatives of each other."""
    video: torch.Tensor | None
    """(batch, windows, channels, time, height, width) uint8."""
    audio: torch.Tensor | None
    """(batch, windows, samples) float32 on the int16 scale."""
    video_times: torch.Tensor | None
    """(batch, windows, time) float64: true presentation time of each frame in seconds."""
    audio_start: torch.Tensor | None
    """(batch, windows) float64: true time of the first sample in seconds."""
    epoch: int = 0
    """The epoch whose windows these clips are."""
    failures: tuple[Failure, ...] = ()
    """Items that could not be read; they are not in the tensors."""
    damaged: tuple[Failure, ...] = ()
    """Items that were read from recordings that are damaged outside these clips."""

    def __len__(self) -> int:
        return len(self.items)

    def to(self, device: torch.device) -> Batch:
        """The batch with its clips on ``device``; the rest stays, since reading it back would wait for a GPU."""
        moved: dict[str, Any] = {
            name: None if (clips := getattr(self, name)) is None else clips.to(device, non_blocking=True)
            for name in ("video", "audio")
        }
        return replace(self, **moved)

    def windows_as_recordings(self) -> Batch:
        """The batch with its clips as (batch * windows, 1, ...), for networks that treat all windows alike."""
        video = None if self.video is None else self.video.flatten(0, 1)[:, None]
        audio = None if self.audio is None else self.audio.flatten(0, 1)[:, None]
        return replace(self, video=video, audio=audio)

    def pin_memory(self) -> Batch:
        """The batch in page-locked memory, from which copies to a GPU overlap with computation."""
        pinned: dict[str, Any] = {
            f.name: value.pin_memory() for f in fields(self) if isinstance(value := getattr(self, f.name), torch.Tensor)
        }
        return replace(self, **pinned)


def select_rows(batches: Sequence[Batch], rows: Sequence[int]) -> Batch:
    """The given ``rows`` of the concatenation of ``batches``, in that order, without times and failures."""
    positions = [(batch, row) for batch in batches for row in range(len(batch))]
    selected = [positions[row] for row in rows]
    video = [batch.video[row] for batch, row in selected if batch.video is not None]
    audio = [batch.audio[row] for batch, row in selected if batch.audio is not None]
    return Batch(
        torch.stack([batch.items[row] for batch, row in selected]),
        torch.stack([batch.recordings[row] for batch, row in selected]),
        torch.stack(video) if video else None,
        torch.stack(audio) if audio else None,
        video_times=None,
        audio_start=None,
        epoch=batches[0].epoch,
    )


def collate(items: Sequence[Item | Failure]) -> Batch:
    """Stack items into a batch; failures go to ``Batch.failures``."""
    readable = [item for item in items if not isinstance(item, Failure)]

    def stack(name: str) -> torch.Tensor | None:
        values = [getattr(item, name) for item in readable]
        if not values or values[0] is None:
            return None
        return torch.stack([torch.from_numpy(np.ascontiguousarray(value)) for value in values])

    return Batch(
        items=torch.tensor([item.item for item in readable], dtype=torch.long),
        recordings=torch.tensor([item.recording for item in readable], dtype=torch.long),
        video=stack("video"),
        audio=stack("audio"),
        video_times=stack("video_times"),
        audio_start=stack("audio_start"),
        epoch=readable[0].epoch if readable else 0,
        failures=tuple(item for item in items if isinstance(item, Failure)),
        damaged=tuple(Failure(item.item, item.damage, damaged=True) for item in readable if item.damage),
    )
