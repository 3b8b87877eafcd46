"""The momentum encoder of Phi, which makes the keys (section 3.3 of the paper, after arXiv 1911.05722)."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn

from avgdt.models.phi import Phi
from avgdt.objective.errors import ObjectiveError


class MomentumEncoder(nn.Module):
    """A slow copy of the networks without gradient; its batch norm keeps statistics of its own."""

    def __init__(self, phi: Phi) -> None:
        """Start as an exact copy."""
        super().__init__()
        self.phi = copy.deepcopy(phi).requires_grad_(False)

    @torch.no_grad()
    def update(self, phi: Phi, momentum: float) -> None:
        """Move every parameter to ``momentum`` x itself + (1 - ``momentum``) x that of ``phi``; buffers stay.

        Raises :class:`ObjectiveError` for a momentum outside 0 to 1.
        """
        if not 0.0 <= momentum <= 1.0:
            raise ObjectiveError(f"objective.momentum must lie between 0 and 1, got {momentum}")
        for slow, fast in zip(self.phi.parameters(), phi.parameters(), strict=True):
            slow.lerp_(fast, 1.0 - momentum)

    @torch.no_grad()
    def keys(
        self,
        views: Sequence[torch.Tensor],
        modalities: Sequence[str],
        groups: int,
        generator: torch.Generator,
    ) -> list[torch.Tensor]:
        """Keys (batch, out) of each view by shuffled batch norm: the batch is permuted and normalised in ``groups``.

        Statistics of a query's batch then tell nothing about which key is its own. All views of a recording fall into
        the same group; within one, views of a modality are one batch as in :meth:`Phi.embed_views`. ``generator`` is
        one of the CPU, so that all devices permute alike. Raises :class:`ObjectiveError` for more groups than
        recordings.
        """
        batch = len(views[0])
        if not 1 <= groups <= batch:
            raise ObjectiveError(
                f"objective.key_groups must lie between 1 and the batch, got {groups} groups for {batch} recordings: "
                "raise run.batch or lower objective.key_groups"
            )
        self.phi.train()
        order = torch.randperm(batch, generator=generator).to(views[0].device)
        parts = [
            self.phi.embed_views([view[group] for view in views], modalities) for group in order.tensor_split(groups)
        ]
        back = order.argsort()
        return [torch.cat(view)[back] for view in zip(*parts, strict=True)]
