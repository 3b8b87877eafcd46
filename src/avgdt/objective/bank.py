"""The memory bank, which stores past keys of each transformation as negatives (section 3.3 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from avgdt.objective.errors import ObjectiveError
from avgdt.objective.nce import Negatives

NOBODY = -1
"""Value of ``Bank.owners`` that marks an unfilled entry."""


class Bank(nn.Module):
    """A ring buffer of the last ``size`` keys of each view, with the recording of each key.

    All state is in buffers, so ``state_dict`` contains the whole bank.
    """

    keys: torch.Tensor
    owners: torch.Tensor
    pushed: torch.Tensor
    pointer: torch.Tensor
    pushes: torch.Tensor

    def __init__(self, views: int, size: int, dim: int) -> None:
        """Create an empty bank; raise :class:`ObjectiveError` if a size is below 1."""
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
        """Number of entries per view."""
        return len(self.owners)

    @property
    def filled(self) -> int:
        """Number of entries that hold a key; reading it synchronises with the device."""
        return int((self.owners != NOBODY).sum())

    def age(self) -> torch.Tensor:
        """Return the mean age of the keys in steps, as a scalar tensor.

        Keys of the previous step have age 1. The mean age of an empty bank is 0.
        """
        filled = self.owners != NOBODY
        return ((self.pushes + 1 - self.pushed) * filled).sum() / filled.sum().clamp(min=1)

    def negatives(self, view: int, recordings: torch.Tensor) -> Negatives:
        """Return the keys of ``view`` as negatives, except unfilled entries and keys of the query's own recording.

        ``recordings`` (batch,) holds the recordings of the queries.
        """
        owners = self.owners[None, :]
        return Negatives(self.keys[view], (owners != NOBODY) & (owners != recordings.to(owners)[:, None]))

    @torch.no_grad()
    def push(self, keys: Sequence[torch.Tensor], recordings: torch.Tensor) -> None:
        """Replace the oldest entries with ``keys``, which holds one tensor (batch, dim) per view.

        If the batch is larger than the bank, only its last keys are stored. Call this method after the backward pass,
        since :meth:`negatives` returns views of the buffers. Raises :class:`ObjectiveError` if shapes do not fit.
        """
        views, size, dim = self.keys.shape
        batch = len(recordings)
        if len(keys) != views or any(key.shape != (batch, dim) for key in keys):
            shapes = [tuple(key.shape) for key in keys]
            raise ObjectiveError(f"expected {views} x ({batch}, {dim}) keys of {batch} recordings, got {shapes}")
        entries = (self.pointer + torch.arange(batch, device=self.keys.device)[-size:]) % size
        self.keys[:, entries] = torch.stack([key[-size:].float() for key in keys]).to(self.keys.device)
        self.owners[entries] = recordings[-size:].to(self.owners)
        self.pushes += 1
        self.pushed[entries] = self.pushes
        self.pointer.copy_((self.pointer + batch) % size)
