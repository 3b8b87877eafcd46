"""Shared by the residual networks: checks of sizes and inputs, and initialisation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from avgdt.models.errors import ModelError

STAGES = 4


def check_sizes(name: str, blocks: Sequence[int], width: int, channels: int) -> None:
    """Raise :class:`ModelError` unless there are four stages of a block or more, of positive width and channels."""
    if len(blocks) != STAGES or min(blocks) < 1:
        raise ModelError(f"{name}: blocks must be {STAGES} numbers of at least 1, got {tuple(blocks)}")
    if width < 1 or channels < 1:
        raise ModelError(f"{name}: width and channels must be at least 1, got {width} and {channels}")


def check_input(name: str, x: torch.Tensor, axes: str, channels: int, strides: Sequence[int], training: bool) -> None:
    """Raise :class:`ModelError` unless ``x`` has the named axes, the channels, no empty axis, and can be normalised.

    ``strides`` are those of the whole network along the axes behind the channels: in training, batch norm of the last
    stage needs at least two values per channel.
    """
    got = tuple(x.shape)
    if x.dim() != 2 + len(strides) or 0 in got:
        raise ModelError(f"{name}: expected a non-empty ({axes}) tensor, got shape {got}")
    if got[1] != channels:
        raise ModelError(f"{name}: was built for {channels} channels, got {got[1]} in shape {got} ({axes})")
    values = got[0]
    for size, stride in zip(got[2:], strides, strict=True):
        values *= -(-size // stride)
    if training and values < 2:
        raise ModelError(
            f"{name}: batch norm needs two values per channel in training, got {got} ({axes}): use 2 items or more"
        )


def initialise(network: nn.Module) -> None:
    """Kaiming-normal convolutions (fan out, ReLU), batch norm that starts as the identity."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
