"""The projection head between the pooled features and the embedding."""

from __future__ import annotations

import torch
from torch import nn

from avgdt.models.errors import ModelError
from avgdt.recipes.model import Head


class ProjectionHead(nn.Sequential):
    """A linear layer, ReLU and a linear layer, with batch norm and dropout if the recipe sets them."""

    def __init__(self, dim: int, head: Head) -> None:
        """Build for features of ``dim`` dimensions; raise :class:`ModelError` for impossible sizes."""
        if min(head.hidden, head.out) < 1:
            raise ModelError(f"model.head: hidden and out must be at least 1, got {head.hidden} and {head.out}")
        layers: list[nn.Module] = [nn.Linear(dim, head.hidden), nn.ReLU(inplace=True), nn.Linear(head.hidden, head.out)]
        if head.batch_norm == "hidden":
            layers.insert(1, nn.BatchNorm1d(head.hidden))
        if head.batch_norm == "output":
            layers.append(nn.BatchNorm1d(head.out, affine=False))
        if head.dropout:
            layers = [part for layer in layers for part in _with_dropout(layer, head.dropout)]
        super().__init__(*layers)
        self.batch_norm = head.batch_norm != "none"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, dim) -> (batch, out); raise :class:`ModelError` for batch norm on a single item in training."""
        if self.batch_norm and self.training and len(x) < 2:
            raise ModelError(
                "model.head.batch_norm needs 2 items or more at once: raise run.batch or lower objective.key_groups"
            )
        for layer in self:
            x = layer(x)
        return x


def _with_dropout(layer: nn.Module, share: float) -> tuple[nn.Module, ...]:
    return (nn.Dropout(share), layer) if isinstance(layer, nn.Linear) else (layer,)
