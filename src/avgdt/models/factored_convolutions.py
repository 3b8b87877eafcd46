"""The two halves of a (2+1)-D convolution, over space and over time, in the forms that a CPU computes fastest.

Both are ``torch.nn.Conv3d`` in parameters, values and gradients. On a CPU, with a channels-last input and weight, they
differ in the gradient of the weight, which oneDNN computes slowly for 3-D convolutions: with AVX2 at half the speed of
the forward pass, with few channels at a tenth (``docs/performance.md``).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import once_differentiable


class Spatial(nn.Conv3d):
    """A convolution over height and width; on a CPU a 2-D convolution of all frames of the batch."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int) -> None:
        half = size // 2
        super().__init__(inputs, outputs, (1, size, size), (1, stride, stride), (0, half, half), bias=False)

    def _conv_forward(self, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """(batch, inputs, time, height, width) -> (batch, outputs, time, height', width')."""
        if not _both_channels_last(input, weight):
            return super()._conv_forward(input, weight, bias)
        batch, _, time = input.shape[:3]
        frames = input.transpose(1, 2).flatten(0, 1)
        out = F.conv2d(frames, weight.squeeze(2), bias, self.stride[1:], self.padding[1:])
        return out.view(batch, time, *out.shape[1:]).transpose(1, 2)


class Temporal(nn.Conv3d):
    """A convolution over three moments; on a CPU in float32 the gradient of its weight is computed by matrix products.

    bf16 convolutions are left to oneDNN, whose gradient is faster there than the matrix products.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False)

    def _conv_forward(self, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """(batch, inputs, time, height, width) -> (batch, outputs, time', height, width)."""
        if torch.is_grad_enabled() and _both_channels_last(input, weight) and not _in_half_precision(input):
            out: torch.Tensor = _TemporalConvolution.apply(input, weight, self.stride[0])  # type: ignore[no-untyped-call]
            return out
        if input.shape[2] == 2:
            # With AVX-512 in bf16, oneDNN leaves a part of the weights' gradient unwritten when it pads two moments.
            return F.conv3d(F.pad(input, (0, 0, 0, 0, 1, 1)), weight, bias, self.stride)
        return super()._conv_forward(input, weight, bias)


def _both_channels_last(input: torch.Tensor, weight: torch.Tensor) -> bool:
    """Whether a convolution on a CPU has a channels-last input and weight.

    Only the strides distinguish a weight of one input channel, whose memory is the same in both formats.
    """
    last = input.is_contiguous(memory_format=torch.channels_last_3d)
    return input.device.type == "cpu" and last and weight.stride(1) == 1


def _in_half_precision(input: torch.Tensor) -> bool:
    """Whether a convolution of ``input`` on a CPU computes in bf16 or fp16."""
    return torch.is_autocast_enabled("cpu") or input.dtype in (torch.bfloat16, torch.float16)


class _TemporalConvolution(torch.autograd.Function):
    """The (3, 1, 1) convolution of a channels-last input, padded by one moment on both sides."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, stride: int) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return F.conv3d(x, weight, None, (stride, 1, 1), (1, 0, 0))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        x, weight = ctx.saved_tensors
        of_input, of_weight = None, None
        if ctx.needs_input_grad[0]:
            of_input = torch.ops.aten.convolution_backward(
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
            of_weight = _weight_gradient(x, grad, ctx.stride)
        return of_input, of_weight, None


def _weight_gradient(x: torch.Tensor, grad: torch.Tensor, stride: int) -> torch.Tensor:
    """The gradient (outputs, inputs, 3, 1, 1) of the weight: one matrix product over all positions for each moment.

    ``x`` is the input (batch, inputs, time, height, width), ``grad`` that of the output, with its shape.
    """
    x, grad = (tensor.permute(0, 2, 3, 4, 1).flatten(2, 3) for tensor in (x, grad))  # (batch, time, pixels, channels)
    moments = []
    for moment in range(3):
        first = 1 if moment == 0 else 0  # the first moment of the output that reads no padding
        read = x[:, first * stride + moment - 1 :: stride]
        count = min(read.shape[1], grad.shape[1] - first)
        read, written = read[:, :count], grad[:, first : first + count]
        if stride == 1:
            read, written = read.flatten(1, 2), written.flatten(1, 2)  # views: (batch, time x pixels, channels)
        moments.append((written.transpose(-2, -1) @ read).flatten(0, -3).sum(0))
    return torch.stack(moments, 2)[..., None, None]
