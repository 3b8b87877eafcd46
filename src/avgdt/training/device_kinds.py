"""Kinds of devices that a training may run on: peak rate of matrix products, memory and memory bandwidth.

Sources of the table, all dense rates (without sparsity) with float32 accumulation, from the vendor's documents:
NVIDIA H100 and H200 Tensor Core GPU data sheets (SXM), NVIDIA A100 Tensor Core GPU data sheet (SXM, 80 GB), NVIDIA
V100 Tensor Core GPU data sheet (SXM2, 16 GB), NVIDIA Ada GPU Architecture white paper (RTX 4090). The fp32 rate is
that of TF32 where the device has it, which PyTorch uses for convolutions by default.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from avgdt.models.precision import Precision, resolve_device, resolve_precision
from avgdt.training.errors import TrainingError

GPU_SHARE = 0.25
"""Assumed share of the peak that a training step reaches on a GPU; not measured."""
CPU_SHARES = {"fp32": 0.3, "bf16": 0.07}
"""Share of the measured matrix product rate that a training step reaches on a CPU, by precision. Measured in CPU time
with the recipe ``small`` on one shared core of an Intel Xeon, 2026-11-28, fp32 with AVX2 and bf16 with AMX
(``benchmarks/training_step.py``)."""


@dataclass(frozen=True)
class DeviceKind:
    """A kind of device, with its performance as stated by the vendor or as measured."""

    name: str
    """The name on the command line."""
    title: str
    """Full name of the device."""
    half: Literal["bf16", "fp16"]
    """The better half precision of the device."""
    half_flops: float
    """Peak rate of matrix products in half precision, in floating-point operations per second."""
    fp32_flops: float
    """Peak rate of matrix products in fp32 (TF32 where the device has it), per second."""
    bandwidth: float
    """Memory bandwidth in bytes per second."""
    memory: float
    """Memory in bytes."""
    share: float = GPU_SHARE
    """Share of the peak rate that a training step is assumed to reach."""
    basis: str = "an assumption: no training step has been measured on a GPU"
    """Where ``share`` comes from."""
    auto: Literal["half", "fp32"] = "half"
    """The precision that ``run.precision auto`` uses."""

    def precision(self, precision: str) -> str:
        """The precision (bf16, fp16 or fp32) that a value of ``run.precision`` selects on this device."""
        if precision == "auto":
            return "fp32" if self.auto == "fp32" else self.half
        return precision

    def flops(self, precision: str) -> float:
        """The peak rate in a precision; raise :class:`TrainingError` for a precision that the device does not have."""
        if precision == "bf16" and self.half == "fp16":
            raise TrainingError(f"run.precision: a {self.title} has no bf16; use auto, fp16 or fp32")
        return self.fp32_flops if precision == "fp32" else self.half_flops


KINDS: dict[str, DeviceKind] = {
    kind.name: kind
    for kind in (
        DeviceKind("h200", "NVIDIA H200 SXM", "bf16", 989.4e12, 494.7e12, 4.8e12, 141e9),
        DeviceKind("h100", "NVIDIA H100 SXM", "bf16", 989.4e12, 494.7e12, 3.35e12, 80e9),
        DeviceKind("a100", "NVIDIA A100 SXM 80 GB", "bf16", 312e12, 156e12, 2.039e12, 80e9),
        DeviceKind("v100", "NVIDIA V100 SXM2 16 GB", "fp16", 125e12, 15.7e12, 0.9e12, 16e9),
        DeviceKind("rtx4090", "NVIDIA GeForce RTX 4090", "bf16", 165.2e12, 82.6e12, 1.008e12, 24e9),
    )
}
"""Kinds by name, with the vendors' figures; the kind ``this`` is measured by :func:`this_machine`."""


def device_kind(name: str) -> DeviceKind:
    """The kind called ``name``, ``this`` for this machine; raise :class:`TrainingError` for an unknown name."""
    if name == "this":
        return this_machine()
    if name not in KINDS:
        raise TrainingError(f"--kind: {name!r} is unknown; use one of {', '.join(KINDS)}, this")
    return KINDS[name]


def this_machine() -> DeviceKind:
    """The kind of this machine's device, measured: its GPU, else its CPU with PyTorch's current number of threads.

    Times matrix products in fp32 and in the precision that ``auto`` selects, and a copy in memory: about two seconds.
    """
    device = resolve_device("auto")
    auto = resolve_precision("auto", device)
    fp32 = matrix_rate(Precision(device, torch.float32))
    half = fp32 if auto.dtype == torch.float32 else matrix_rate(auto)
    bandwidth = copy_rate(device)
    name: Literal["bf16", "fp16"] = "fp16" if auto.name == "fp16" else "bf16"
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return DeviceKind(
            "this", properties.name, name, half, fp32, bandwidth, float(properties.total_memory),
            basis="an assumption; benchmarks/gpu.sh measures it",
        )  # fmt: skip
    return DeviceKind(
        "this",
        f"this CPU with {torch.get_num_threads()} threads",
        name,
        half,
        fp32,
        bandwidth,
        float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        CPU_SHARES[auto.name],
        f"what the recipe small reached on a CPU in {auto.name}; benchmarks/training_step.py measures other recipes",
        "fp32" if auto.name == "fp32" else "half",
    )


def matrix_rate(precision: Precision, seconds: float = 0.5) -> float:
    """Floating-point operations per second of a product of two square matrices, the best of many within ``seconds``.

    The fp32 rate uses TF32 where ``torch.backends.cuda.matmul`` allows it. On a CPU, products of two sizes are tried:
    short ones are seldom interrupted by other processes, long ones occupy many threads.
    """
    device = precision.device

    def product(size: int) -> Callable[[], object]:
        a, b = (torch.randn(size, size, device=device).to(precision.dtype) for _ in range(2))
        return lambda: a @ b

    sizes = (8192,) if device.type == "cuda" else (512, 1024)
    return max(2 * n**3 / _least_seconds(product(n), device, seconds / len(sizes)) for n in sizes)


def copy_rate(device: torch.device, seconds: float = 0.3) -> float:
    """Memory bandwidth in bytes per second, measured by copying a large tensor; reads and writes both count."""
    source = torch.ones(2**28 if device.type == "cuda" else 2**25, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / _least_seconds(lambda: target.copy_(source), device, seconds)


def _least_seconds(call: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Seconds of the fastest of three or more calls, repeated for ``seconds``, after one call as warm-up."""
    least, begun, calls = float("inf"), time.perf_counter(), 0
    while calls < 4 or time.perf_counter() - begun < seconds:
        start = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if calls:
            least = min(least, time.perf_counter() - start)
        calls += 1
    return least
