"""Check of half-precision convolutions against float32, once per shape, and a fallback to float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from avgdt.models.phi import Phi
from avgdt.models.precision import Precision

GREATEST_ERROR = 0.05
"""Relative error, in the L2 norm, above which an output or gradient counts as wrong; errors in bf16 are usually below
0.01."""
_wrong: dict[object, bool] = {}
"""Cache of this process: shape and settings of a convolution -> whether it is wrong in half precision."""


class Float32Conv2d(nn.Conv2d):
    """2-D convolution that computes in float32 even under autocast."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the convolution of ``torch.nn.Conv2d`` in float32."""
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


class Float32Conv3d(nn.Conv3d):
    """3-D convolution that computes in float32 even under autocast."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the convolution of ``torch.nn.Conv3d`` in float32."""
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


def check_convolutions(
    phi: Phi, views: Sequence[torch.Tensor], modalities: Sequence[str], precision: Precision
) -> list[str]:
    """Return the names of the convolutions in ``phi`` that this device computes wrongly in half precision.

    Each convolution shape that occurs for ``views`` (one batch of network input) is computed on random numbers in half
    precision and in float32, forward and backward. If ``precision`` is float32, the list is empty. PyTorch 2.13
    computes bf16 3-D convolutions on AMX wrongly if the output is one column wide (PyTorch issue 169688). PyTorch 2.9
    does so for kernels of one frame with some versions of cuDNN (PyTorch issue 163539).
    """
    if precision.dtype == torch.float32:
        return []
    inputs: dict[str, torch.Tensor] = {}

    def recorder(name: str) -> Any:
        def hook(layer: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
            inputs[name] = torch.empty_like(arguments[0], dtype=torch.float32)

        return hook

    layers = {name: m for name, m in phi.named_modules() if isinstance(m, nn.Conv2d | nn.Conv3d)}
    hooks = [layer.register_forward_pre_hook(recorder(name)) for name, layer in layers.items()]
    training = phi.training
    try:
        with torch.no_grad(), precision.autocast():
            phi.eval()(views, modalities)
    finally:
        phi.train(training)
        for hook in hooks:
            hook.remove()
    wrong = list[str]()
    for name, layer in layers.items():
        x = inputs[name]
        shape = (
            precision,
            type(layer),
            x.shape,
            x.stride(),
            layer.weight.shape,
            layer.weight.stride(),
            *_settings(layer),
        )
        if shape not in _wrong:
            _wrong[shape] = _error(layer, x, precision) > GREATEST_ERROR
        if _wrong[shape]:
            wrong.append(name)
    return wrong


def _settings(layer: nn.Conv2d | nn.Conv3d) -> tuple[object, ...]:
    return layer.stride, layer.padding, layer.dilation, layer.groups


def use_float32(phi: Phi, names: Sequence[str]) -> None:
    """Make the convolutions ``names`` of ``phi`` compute in float32, in place."""
    for name in names:
        layer = phi.get_submodule(name)
        layer.__class__ = Float32Conv3d if isinstance(layer, nn.Conv3d) else Float32Conv2d


def _error(layer: nn.Conv2d | nn.Conv3d, like: torch.Tensor, precision: Precision) -> float:
    """Return the largest relative error of output and gradients in half precision, for a random input."""
    generator = torch.Generator().manual_seed(0)
    x = torch.empty_like(like).copy_(torch.randn(like.shape, generator=generator))
    results = []
    for half in (False, True):
        leaf, weight = x.clone().requires_grad_(), layer.weight.detach().clone().requires_grad_()
        with torch.enable_grad(), torch.autocast(x.device.type, dtype=precision.dtype, enabled=half):
            out = layer._conv_forward(leaf, weight, None)
            cotangent = torch.empty_like(out, dtype=torch.float32)
            cotangent.copy_(torch.randn(out.shape, generator=generator.manual_seed(1)))
            gradients = torch.autograd.grad(out, (leaf, weight), cotangent.to(out.dtype))
        results.append([value.detach().float() for value in (out, *gradients)])
    return max(float((a - b).norm() / a.norm().clamp(min=1e-12)) for a, b in zip(*results, strict=True))
