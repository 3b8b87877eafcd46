"""The memory bank: past keys of each transformation, which serve as negatives (section 3.3 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from avgdt.objective.errors import ObjectiveError
from avgdt.objective.nce import Negatives

NOBODY = -1
"""The owner of an entry that was never filled."""


class Bank(nn.Module):
    """A ring of the last ``size`` keys per view that knows which recording each key is of.

    All of it is buffers, so that a checkpoint of the module is the whole bank, bit for bit.
    """

    keys: torch.Tensor
    owners: torch.Tensor
    pushed: torch.Tensor
    pointer: torch.Tensor
    pushes: torch.Tensor

    def __init__(self, views: int, size: int, dim: int) -> None:
        """Start empty; raise :class:`ObjectiveError` for sizes below 1."""
        super().__init__()
        if min(views, size, dim) < 1:
            raise ObjectiveError(f"objective.bank must be at least 1, got {size} (views {views}, dimensions {dim})")
        self.register_buffer("keys", torch.zeros(views, size, dim))
        self.register_buffer("owners", torch.full((size,), NOBODY))
        self.register_buffer("pushed", torch.zeros(size, dtype=torch.long))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.long))
        self.register_buffer("pushes", torch.zeros((), dtype=torch.long))

    @property
    def size(self) -> int:
        """Entries per view."""
        return len(self.owners)

    @property
    def filled(self) -> int:
        """Entries that hold a key; asking waits for the device."""
        return int((self.owners != NOBODY).sum())

    def age(self) -> torch.Tensor:
        """Scalar: the mean number of steps since the keys were made, 1 for those of the step before; 0 while empty."""
        filled = self.owners != NOBODY
        return ((self.pushes + 1 - self.pushed) * filled).sum() / filled.sum().clamp(min=1)

    def negatives(self, view: int, recordings: torch.Tensor) -> Negatives:
        """The keys of ``view``, all negatives but unfilled entries and those of the query's own recording.

        ``recordings`` (batch,) are the recordings of the queries.
        """
        owners = self.owners[None, :]
        return Negatives(self.keys[view], (owners != NOBODY) & (owners != recordings[:, None]))

    @torch.no_grad()
    def push(self, keys: Sequence[torch.Tensor], recordings: torch.Tensor) -> None:
        """Put each view's ``keys`` (batch, dim) over the oldest entries; of more than the bank holds, the last remain.

        Call it after the backward pass: the negatives given out are the bank's own memory.
        Raises :class:`ObjectiveError` where shapes do not fit.
        """
        views, size, dim = self.keys.shape
        batch = len(recordings)
        if len(keys) != views or any(key.shape != (batch, dim) for key in keys):
            shapes = [tuple(key.shape) for key in keys]
            raise ObjectiveError(f"the bank takes {views} x ({batch}, {dim}) keys of {batch} recordings, got {shapes}")
        places = (self.pointer + torch.arange(batch, device=self.keys.device)[-size:]) % size
        self.keys[:, places] = torch.stack([key[-size:].float() for key in keys]).to(self.keys.device)
        self.owners[places] = recordings[-size:].to(self.owners)
        self.pushes += 1
        self.pushed[places] = self.pushes
        self.pointer.copy_((self.pointer + batch) % size)
