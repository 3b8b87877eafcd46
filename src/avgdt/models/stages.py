"""Functions shared by both encoders: checks of sizes and inputs, recomputation of activations, and initialisation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from avgdt.models.errors import ModelError

STAGES = 4


def check_sizes(name: str, blocks: Sequence[int], width: int, channels: int) -> None:
    """Raise :class:`ModelError` unless ``blocks`` has four positive numbers and the other sizes are positive."""
    if len(blocks) != STAGES or min(blocks) < 1:
        raise ModelError(f"{name}: blocks must be {STAGES} numbers of at least 1, got {tuple(blocks)}")
    if width < 1 or channels < 1:
        raise ModelError(f"{name}: width and channels must be at least 1, got {width} and {channels}")


def check_input(name: str, x: torch.Tensor, axes: str, channels: int, strides: Sequence[int], training: bool) -> None:
    """Raise :class:`ModelError` if ``x`` is empty, has the wrong shape, or is too small for batch norm.

    ``strides`` holds the total stride of the network along each axis after the channels. In training, batch norm in the
    last stage needs at least two values per channel.
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
            f"{name}: batch norm needs at least two values per channel in training, got {got} ({axes}); "
            "use a batch of 2 or more"
        )


def run_stages(x: torch.Tensor, stages: Sequence[nn.Module], recompute: bool) -> torch.Tensor:
    """Apply ``stages`` one after another; with ``recompute``, store only their inputs for the backward pass."""
    for stage in stages:
        if recompute and torch.is_grad_enabled():
            x = checkpoint(stage, x, use_reentrant=False, context_fn=partial(_contexts, stage))
        else:
            x = stage(x)
    return x


def _contexts(stage: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Return the contexts for the forward pass of ``stage`` and for its recomputation."""
    return nullcontext(), _unchanged_statistics(stage)


@contextmanager
def _unchanged_statistics(stage: nn.Module) -> Iterator[None]:
    """Return a context manager in which batch norm does not update its running statistics."""
    layers = [layer for layer in stage.modules() if isinstance(layer, _BatchNorm)]
    before = [(layer.momentum, layer.num_batches_tracked) for layer in layers]
    for layer in layers:
        layer.momentum, layer.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for layer, (momentum, count) in zip(layers, before, strict=True):
            layer.momentum, layer.num_batches_tracked = momentum, count


def initialise(network: nn.Module) -> None:
    """Initialise convolutions with Kaiming-normal weights (fan out, ReLU) and batch norm as the identity."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, _BatchNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
