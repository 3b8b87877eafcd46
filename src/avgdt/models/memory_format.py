"""Whether the encoders' convolutions keep channels next to each other in memory."""

from __future__ import annotations

from typing import Literal

import torch

from avgdt.models.phi import Phi
from avgdt.models.precision import Precision

NARROW = 16
"""Channels of the first stage below which channels-last wins in fp32."""


def set_memory_format(phi: Phi, channels_last: Literal["auto", "yes", "no"], precision: Precision) -> dict[str, bool]:
    """Lay the weights of each encoder out, in place, and tell per modality whether they are channels-last now.

    Activations follow the weights. ``auto`` follows ``benchmarks/encoder_step.py`` on one core: in bf16 on AMX
    channels-last is 1.0 to 1.3 times as fast; in fp32 1.1 to 1.4 times at width 8, where the blocks of oneDNN's own
    layout stay half empty, but 0.8 to 1.0 times from width 16 on. GPUs follow the same rule, unmeasured.
    """
    chosen: dict[str, bool] = {}
    for modality, encoder in phi.encoders.items():
        half = precision.dtype != torch.float32
        auto = half or phi.dims[modality] // 8 < NARROW
        chosen[modality] = channels_last == "yes" or (channels_last == "auto" and auto)
        last = torch.channels_last_3d if modality == "video" else torch.channels_last
        encoder.to(memory_format=last if chosen[modality] else torch.contiguous_format)  # type: ignore[call-overload]
    return chosen
