"""Batches of video and audio clips with the presentation times of their frames and samples."""

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
    """An error that occurred while reading an item of a data set."""

    item: int
    """Index of the item in the data set."""
    reason: str
    """Error message, in one line."""
    damaged: bool = False
    """Whether other clips of the recording may still be readable, because the damage may affect only a part of it."""


@dataclass(frozen=True)
class Batch:
    """A batch of decoded video and audio clips.

    The dimension ``windows`` has one entry for each clip of an item. In pretraining, an item has one clip for each
    element of ``Composition.clips``, in the same order.
    """

    items: torch.Tensor
    """(batch,) int64: index of each item in the data set, which seeds the augmentations of the item."""
    recordings: torch.Tensor
    """(batch,) int64: index of the recording of each item; items of the same recording are not used as negatives
    of each other."""
    video: torch.Tensor | None
    """(batch, windows, channels, time, height, width) uint8: frames of the video clips."""
    audio: torch.Tensor | None
    """(batch, windows, samples) float32: waveforms of the audio clips, on the int16 scale."""
    video_times: torch.Tensor | None
    """(batch, windows, time) float64: presentation time of each frame in the recording, in seconds."""
    audio_start: torch.Tensor | None
    """(batch, windows) float64: presentation time of the first audio sample of each clip, in seconds."""
    epoch: int = 0
    """Epoch for which the time windows of the clips were drawn."""
    failures: tuple[Failure, ...] = ()
    """Errors of the items that could not be read; these items are not in the tensors."""
    damaged: tuple[Failure, ...] = ()
    """One entry for each item whose clips are undamaged, but whose recording is damaged elsewhere."""

    def __len__(self) -> int:
        return len(self.items)

    def to(self, device: torch.device) -> Batch:
        """Return the batch with ``video`` and ``audio`` on ``device``.

        All other tensors stay on the CPU, because copying them back from a GPU would have to wait for its pending
        computations.
        """
        moved: dict[str, Any] = {
            name: None if (clips := getattr(self, name)) is None else clips.to(device, non_blocking=True)
            for name in ("video", "audio")
        }
        return replace(self, **moved)

    def windows_as_recordings(self) -> Batch:
        """Return the batch with one window per item: ``video`` and ``audio`` have shape (batch * windows, 1, ...)."""
        video = None if self.video is None else self.video.flatten(0, 1)[:, None]
        audio = None if self.audio is None else self.audio.flatten(0, 1)[:, None]
        return replace(self, video=video, audio=audio)

    def pin_memory(self) -> Batch:
        """Return the batch in page-locked memory, so that copies to a GPU can overlap with computation."""
        pinned: dict[str, Any] = {
            f.name: value.pin_memory() for f in fields(self) if isinstance(value := getattr(self, f.name), torch.Tensor)
        }
        return replace(self, **pinned)


def select_rows(batches: Sequence[Batch], rows: Sequence[int]) -> Batch:
    """Return a batch of ``rows`` of the concatenated ``batches``, in that order, without times and failures."""
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
    """Stack items into a batch; the failed items are listed in ``Batch.failures``."""
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
