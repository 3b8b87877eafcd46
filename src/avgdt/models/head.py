"""Projection head between the pooled features and the embedding."""

from __future__ import annotations

import torch
from torch import nn

from avgdt.models.errors import ModelError
from avgdt.recipes.model import Head


class ProjectionHead(nn.Sequential):
    """Projection head of two linear layers and a ReLU, with batch norm and dropout if the recipe enables them."""

    def __init__(self, dim: int, head: Head) -> None:
        """Build the head for features of ``dim`` dimensions. Raises :class:`ModelError` for sizes below 1."""
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
        """Project features (batch, dim) to (batch, out).

        Raises :class:`ModelError` if batch norm receives a single item in training.
        """
        if self.batch_norm and self.training and len(x) < 2:
            raise ModelError(
                "model.head.batch_norm needs 2 or more items per pass: raise run.batch or lower objective.key_groups"
            )
        for layer in self:
            x = layer(x)
        return x


def _with_dropout(layer: nn.Module, probability: float) -> tuple[nn.Module, ...]:
    return (nn.Dropout(probability), layer) if isinstance(layer, nn.Linear) else (layer,)
