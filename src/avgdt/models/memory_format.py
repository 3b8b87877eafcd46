"""Memory format of the encoders: channels-last or contiguous."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from avgdt.models.phi import Phi
from avgdt.models.precision import Precision


def set_memory_format(phi: Phi, channels_last: Literal["auto", "yes", "no"], precision: Precision) -> dict[str, bool]:
    """Set the memory format of each encoder in place; return, per modality, whether it is channels-last.

    Activations follow the weights. ``auto`` is channels-last on a CPU and in half precision on a GPU. On a CPU that is
    faster by ``benchmarks/encoder_step.py``: 1.0 to 1.4 times as fast in fp32, with AVX2 alone and with AVX-512, and
    1.1 to 1.3 times in bf16. (With one thread and fewer than 16 clips it is 0.8 to 1.0 times as fast in fp32: PyTorch
    then leaves oneDNN for convolutions of its own, which are contiguous.) The rule for GPUs is not measured.

    Encoders for which :func:`breaks_channels_last` is true stay contiguous on a CPU.
    """
    cpu = precision.device.type == "cpu"
    auto = cpu or precision.dtype != torch.float32
    chosen: dict[str, bool] = {}
    for modality, encoder in phi.encoders.items():
        wanted = channels_last == "yes" or (channels_last == "auto" and auto)
        chosen[modality] = wanted and not (cpu and breaks_channels_last(encoder))
        last = torch.channels_last_3d if modality == "video" else torch.channels_last
        encoder.to(memory_format=last if chosen[modality] else torch.contiguous_format)  # type: ignore[call-overload]
        if chosen[modality]:
            _restride_single_channels(encoder)
    return chosen


def _restride_single_channels(encoder: nn.Module) -> None:
    """Give the weights of convolutions of one input channel the strides of channels-last.

    Their memory is the same in both formats, so ``Module.to`` leaves the strides, and PyTorch takes such a weight, and
    with it the output of the convolution, for contiguous.
    """
    for layer in encoder.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d) and layer.in_channels == 1:
            weight = layer.weight.data
            restrided = torch.empty_like(weight.movedim(1, -1), memory_format=torch.contiguous_format).movedim(-1, 1)
            layer.weight.data = restrided.copy_(weight)


def breaks_channels_last(encoder: nn.Module) -> bool:
    """Whether a shortcut with a stride reads fewer than 16 channels: oneDNN then writes past its memory.

    That is in the gradient of the weights of channels-last 1 x 1 convolutions (its issue 6035). With AVX2 and 1 to 7
    channels the gradient is wrong or the process ends, seen in 2D alone; AVX-512 has blocks of 16 channels, 3D the
    same code.
    """
    return any(
        max(layer.kernel_size) == 1 and max(layer.stride) > 1 and layer.in_channels < 16
        for layer in encoder.modules()
        if isinstance(layer, nn.Conv2d | nn.Conv3d)
    )
