"""Device and floating-point precision of the networks; ``auto`` selects them according to the hardware."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import torch

from avgdt.models.errors import HardwareError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Precision:
    """Device and precision of the networks; weights, optimiser state and loss are float32 in any precision."""

    device: torch.device
    """Device of the networks."""
    dtype: torch.dtype
    """Data type of the computation: float32, bfloat16 or float16."""

    @property
    def name(self) -> str:
        """Name of the precision: fp32, bf16 or fp16."""
        return next(name for name, dtype in DTYPES.items() if dtype == self.dtype)

    def autocast(self) -> AbstractContextManager[object]:
        """Return a new autocast context of this precision."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32)

    def scaler(self) -> torch.amp.GradScaler:
        """Return a gradient scaler, which is enabled only in fp16, where small gradients would underflow."""
        return torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)


def resolve_device(device: str) -> torch.device:
    """Return the device called ``device``; ``auto`` is the GPU if there is one, otherwise the CPU.

    Raises :class:`HardwareError` for a device that does not exist or is not supported.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError:
        raise HardwareError(f"run.device: {device!r} is not a device; use auto, cpu, cuda or cuda:N") from None
    if resolved.type not in ("cpu", "cuda"):
        raise HardwareError(f"run.device: {device!r} is not supported; use auto, cpu, cuda or cuda:N")
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        raise HardwareError(f"run.device: {device!r} does not exist; this machine has {torch.cuda.device_count()} GPUs")
    return resolved


def resolve_precision(precision: Literal["auto", "fp32", "bf16", "fp16"], device: torch.device) -> Precision:
    """Return the precision called ``precision`` for ``device``.

    ``auto`` is bf16 if the hardware has bf16 matrix instructions, otherwise fp16 on a GPU and fp32 on a CPU. Raises
    :class:`HardwareError` for fp16 on a CPU.
    """
    if precision == "auto":
        if device.type == "cuda":
            precision = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
        else:
            precision = "bf16" if cpu_has_fast_bf16() else "fp32"
    if precision == "fp16" and device.type == "cpu":
        raise HardwareError("run.precision: fp16 needs a GPU; use auto, fp32 or bf16 on a CPU")
    return Precision(device, DTYPES[precision])


def cpu_has_fast_bf16() -> bool:
    """Return whether this processor has bf16 instructions (AVX-512 BF16 or AMX) that oneDNN and PyTorch may use.

    oneDNN reports bf16 as supported on every processor with AVX-512, even without these instructions. Compared with
    fp32, bf16 is 5 to 60 times slower with AVX2, 1.5 times slower with plain AVX-512, and 2 to 3 times faster with
    AVX-512 BF16 (``benchmarks/encoder_step.py``). Environment variables that restrict the instruction set of oneDNN or
    PyTorch are respected.
    """
    isa_limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or "DEFAULT"
    return (
        torch.ops.mkldnn._is_mkldnn_bf16_supported()
        and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
        and torch.backends.cpu.get_cpu_capability().startswith("AVX512")
        and any(name in isa_limit.upper() for name in ("DEFAULT", "ALL", "BF16", "FP16", "AMX", "AVX10"))
    )
