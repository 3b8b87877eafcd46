"""Memory format of the encoders: channels-last or contiguous."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from avgdt.models.phi import Phi
from avgdt.models.precision import Precision


def set_memory_format(phi: Phi, channels_last: Literal["auto", "yes", "no"], precision: Precision) -> dict[str, bool]:
    """Set the memory format of each encoder in place; return whether each modality's encoder is channels-last.

    Activations take the format of the weights. ``auto`` is channels-last on a CPU, and in half precision on a GPU. On a
    CPU, ``benchmarks/encoder_step.py`` measures channels-last as 1.0 to 1.4 times as fast in fp32 (AVX2 and AVX-512)
    and as 1.1 to 1.3 times as fast in bf16. With one thread and fewer than 16 clips, it is 0.8 to 1.0 times as fast in
    fp32, since PyTorch then replaces oneDNN by its own convolutions, which are contiguous. The rule for GPUs is not
    based on measurements.

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
    """Set channels-last strides, in place, for the weights of convolutions with one input channel.

    The memory of these weights is the same in both formats, so ``Module.to`` does not change their strides. Without
    this function, PyTorch would treat the weight, and thus the output of the convolution, as contiguous.
    """
    for layer in encoder.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d) and layer.in_channels == 1:
            weight = layer.weight.data
            restrided = torch.empty_like(weight.movedim(1, -1), memory_format=torch.contiguous_format).movedim(-1, 1)
            layer.weight.data = restrided.copy_(weight)


def breaks_channels_last(encoder: nn.Module) -> bool:
    """Return whether a strided 1 x 1 convolution has fewer than 16 input channels; oneDNN may then write out of bounds.

    The error occurs in the weight gradient of channels-last 1 x 1 convolutions (oneDNN issue 6035). With AVX2 and 1 to
    7 channels, the gradient is wrong or the process crashes; this was observed in 2-D only. The bound of 16 covers
    AVX-512, which has blocks of 16 channels, and 3-D convolutions, which use the same code.
    """
    return any(
        max(layer.kernel_size) == 1 and max(layer.stride) > 1 and layer.in_channels < 16
        for layer in encoder.modules()
        if isinstance(layer, nn.Conv2d | nn.Conv3d)
    )
