"""The momentum encoder: a moving average of Phi that computes the keys (section 3.3; MoCo, arXiv 1911.05722)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import nn

from avgdt.models.batch_norm import GroupStatistics
from avgdt.models.phi import Phi
from avgdt.objective.errors import ObjectiveError


class MomentumEncoder(nn.Module):
    """An exponential moving average of the weights of Phi, without gradient; its batch norm has its own statistics."""

    def __init__(self, phi: Phi) -> None:
        """Initialise the encoder with the weights of ``phi``."""
        super().__init__()
        self.phi = copy.deepcopy(phi).requires_grad_(False)

    @torch.no_grad()
    def update(self, phi: Phi, momentum: float) -> None:
        """Set each parameter to ``momentum`` x its value + (1 - ``momentum``) x its value in ``phi``.

        Buffers do not change. Raises :class:`ObjectiveError` if ``momentum`` is outside 0 to 1.
        """
        if not 0.0 <= momentum <= 1.0:
            raise ObjectiveError(f"objective.momentum must lie between 0 and 1, got {momentum}")
        torch._foreach_lerp_(list(self.phi.parameters()), list(phi.parameters()), 1.0 - momentum)

    @torch.no_grad()
    def keys(
        self,
        views: Sequence[torch.Tensor],
        modalities: Sequence[str],
        groups: int,
        generator: torch.Generator,
    ) -> list[torch.Tensor]:
        """Compute the keys (batch, out) of each view with shuffled batch norm.

        The recordings are permuted and normalised in ``groups`` groups, so that the batch statistics of a query do not
        reveal which key is its positive. All views of a recording are in the same group. ``generator`` is a CPU
        generator, so that all devices draw the same permutation. Raises :class:`ObjectiveError` if ``groups`` is not
        between 1 and the number of recordings.
        """
        batch = len(views[0])
        if not 1 <= groups <= batch:
            raise ObjectiveError(
                f"objective.key_groups must lie between 1 and the batch size, got {groups} groups for {batch} "
                "recordings: raise run.batch or lower objective.key_groups"
            )
        order = torch.randperm(batch, generator=generator).to(views[0].device)
        statistics = GroupStatistics(self.phi, groups)
        parts = [[view[rows] for view in views] for rows in order.tensor_split(groups)]
        keys = self.keys_of_groups(parts, modalities, statistics)
        statistics.finish()
        inverse = order.argsort()
        return [key[inverse] for key in keys]

    @torch.no_grad()
    def keys_of_groups(
        self, groups: Iterable[Sequence[torch.Tensor]], modalities: Sequence[str], statistics: GroupStatistics
    ) -> list[torch.Tensor]:
        """Compute the keys (n, out) of each view group by group and concatenate them.

        ``statistics`` records the batch norm statistics of each group.
        """
        self.phi.train()
        keys = []
        for views in groups:
            with statistics.group():
                keys.append(self.phi(views, modalities))
        return [torch.cat(view) for view in zip(*keys, strict=True)]
