"""Spatial and temporal convolutions of R(2+1)D, optimised for CPUs.

Parameters, outputs and gradients match ``torch.nn.Conv3d``. On a CPU with a channels-last input and weight, the weight
gradient is computed differently, since oneDNN computes it slowly for 3-D convolutions: with AVX2, at half the speed of
the forward pass, or at a tenth if there are few channels (``docs/performance.md``).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import once_differentiable


class Spatial(nn.Conv3d):
    """Convolution over height and width; on a CPU, it is computed as a 2-D convolution of all frames of the batch."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int) -> None:
        half = size // 2
        super().__init__(inputs, outputs, (1, size, size), (1, stride, stride), (0, half, half), bias=False)

    def _conv_forward(self, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """Map (batch, inputs, time, height, width) to (batch, outputs, time, height', width')."""
        if not _both_channels_last(input, weight):
            return super()._conv_forward(input, weight, bias)
        batch, _, time = input.shape[:3]
        frames = input.transpose(1, 2).flatten(0, 1)
        out = F.conv2d(frames, weight.squeeze(2), bias, self.stride[1:], self.padding[1:])
        return out.view(batch, time, *out.shape[1:]).transpose(1, 2)


class Temporal(nn.Conv3d):
    """Convolution over three time steps; in float32 on a CPU, the weight gradient uses matrix multiplications.

    In bf16, oneDNN computes this gradient faster than matrix multiplications do.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False)

    def _conv_forward(self, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """Map (batch, inputs, time, height, width) to (batch, outputs, time', height, width)."""
        if torch.is_grad_enabled() and _both_channels_last(input, weight) and not _in_half_precision(input):
            out: torch.Tensor = _TemporalConvolution.apply(input, weight, self.stride[0])  # type: ignore[no-untyped-call]
            return out
        if input.shape[2] == 2:
            # With AVX-512 in bf16, oneDNN writes only part of the weight gradient when it pads two time steps.
            return F.conv3d(F.pad(input, (0, 0, 0, 0, 1, 1)), weight, bias, self.stride)
        return super()._conv_forward(input, weight, bias)


def _both_channels_last(input: torch.Tensor, weight: torch.Tensor) -> bool:
    """Return whether ``input`` and ``weight`` are channels-last and on a CPU.

    The memory of a weight with one input channel is the same in both formats, so its strides are compared.
    """
    last = input.is_contiguous(memory_format=torch.channels_last_3d)
    return input.device.type == "cpu" and last and weight.stride(1) == 1


def _in_half_precision(input: torch.Tensor) -> bool:
    """Return whether a convolution of ``input`` on a CPU computes in bf16 or fp16."""
    return torch.is_autocast_enabled("cpu") or input.dtype in (torch.bfloat16, torch.float16)


class _TemporalConvolution(torch.autograd.Function):
    """(3, 1, 1) convolution of a channels-last input that is padded by one time step on both sides."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, stride: int) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return F.conv3d(x, weight, None, (stride, 1, 1), (1, 0, 0))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        x, weight = ctx.saved_tensors
        input_grad, weight_grad = None, None
        if ctx.needs_input_grad[0]:
            input_grad = torch.ops.aten.convolution_backward(
                grad,
                x,
                weight,
                None,
                (ctx.stride, 1, 1),
                (1, 0, 0),
                (1, 1, 1),
                False,
                (0, 0, 0),
                1,
                (True, False, False),
            )[0]
        if ctx.needs_input_grad[1]:
            weight_grad = _weight_gradient(x, grad, ctx.stride)
        return input_grad, weight_grad, None


def _weight_gradient(x: torch.Tensor, grad: torch.Tensor, stride: int) -> torch.Tensor:
    """Compute the weight gradient (outputs, inputs, 3, 1, 1) by one matrix multiplication per time step of the kernel.

    ``x`` is the input (batch, inputs, time, height, width), and ``grad`` is the gradient of the output.
    """
    x, grad = (tensor.permute(0, 2, 3, 4, 1).flatten(2, 3) for tensor in (x, grad))  # (batch, time, pixels, channels)
    gradients = []
    for step in range(3):
        first = 1 if step == 0 else 0  # first time step of the output that does not read padding
        read = x[:, first * stride + step - 1 :: stride]
        count = min(read.shape[1], grad.shape[1] - first)
        read, written = read[:, :count], grad[:, first : first + count]
        if stride == 1:
            read, written = read.flatten(1, 2), written.flatten(1, 2)  # views: (batch, time x pixels, channels)
        gradients.append((written.transpose(-2, -1) @ read).flatten(0, -3).sum(0))
    return torch.stack(gradients, 2)[..., None, None]
