"""Whether the encoders' convolutions keep channels next to each other in memory."""

from __future__ import annotations

from typing import Literal

import torch

from avgdt.models.phi import Phi
from avgdt.models.precision import Precision


def set_memory_format(phi: Phi, channels_last: Literal["auto", "yes", "no"], precision: Precision) -> dict[str, bool]:
    """Lay the weights of each encoder out, in place, and tell per modality whether they are channels-last now.

    Activations follow the weights. ``auto`` is channels-last on a CPU and in half precision on a GPU. On a CPU that is
    what ``benchmarks/encoder_step.py`` says: 1.0 to 1.4 times as fast in fp32, with AVX2 alone and with AVX-512, and
    1.1 to 1.3 times in bf16. (With one thread and fewer than 16 clips it is 0.8 to 1.0 times as fast in fp32: PyTorch
    then leaves oneDNN for convolutions of its own, which are contiguous.) The rule for GPUs is not measured.
    """
    auto = precision.device.type == "cpu" or precision.dtype != torch.float32
    chosen: dict[str, bool] = {}
    for modality, encoder in phi.encoders.items():
        chosen[modality] = channels_last == "yes" or (channels_last == "auto" and auto)
        last = torch.channels_last_3d if modality == "video" else torch.channels_last
        encoder.to(memory_format=last if chosen[modality] else torch.contiguous_format)  # type: ignore[call-overload]
    return chosen
