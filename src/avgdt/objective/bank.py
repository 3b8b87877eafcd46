"""The memory bank: past keys of each transformation, which serve as negatives (section 3.3 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from avgdt.objective.errors import ObjectiveError
from avgdt.objective.nce import Negatives

NOBODY = -1
"""Value of ``owners`` for unfilled entries."""


class Bank(nn.Module):
    """A ring buffer of the last ``size`` keys per view, with the recording that each key belongs to.

    All state is in buffers, so that the module's ``state_dict`` is the whole bank.
    """

    keys: torch.Tensor
    owners: torch.Tensor
    pushed: torch.Tensor
    pointer: torch.Tensor
    pushes: torch.Tensor

    def __init__(self, views: int, size: int, dim: int) -> None:
        """Create an empty bank; raise :class:`ObjectiveError` for sizes below 1."""
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
        """Number of entries that hold a key; reading it synchronises with the device."""
        return int((self.owners != NOBODY).sum())

    def age(self) -> torch.Tensor:
        """Scalar tensor: mean age of the keys in steps, 1 for those of the previous step; 0 while empty."""
        filled = self.owners != NOBODY
        return ((self.pushes + 1 - self.pushed) * filled).sum() / filled.sum().clamp(min=1)

    def negatives(self, view: int, recordings: torch.Tensor) -> Negatives:
        """The keys of ``view`` as negatives, except unfilled entries and keys of the query's own recording.

        ``recordings`` (batch,) are the recordings of the queries.
        """
        owners = self.owners[None, :]
        return Negatives(self.keys[view], (owners != NOBODY) & (owners != recordings.to(owners)[:, None]))

    @torch.no_grad()
    def push(self, keys: Sequence[torch.Tensor], recordings: torch.Tensor) -> None:
        """Replace the oldest entries with the ``keys`` (batch, dim) of each view; a smaller bank takes the last keys.

        Call it after the backward pass, since :meth:`negatives` returns views of the buffers.
        Raises :class:`ObjectiveError` where shapes do not fit.
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
