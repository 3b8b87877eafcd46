"""Kinds of training devices: peak matrix-multiplication throughput, memory and memory bandwidth.

All throughputs are for dense matrices (without sparsity) and float32 accumulation. They are taken from the vendor's
documents: NVIDIA H100 and H200 Tensor Core GPU data sheets (SXM), NVIDIA A100 Tensor Core GPU data sheet (SXM, 80 GB),
NVIDIA V100 Tensor Core GPU data sheet (SXM2, 16 GB), NVIDIA Ada GPU Architecture white paper (RTX 4090). The fp32
throughput is the TF32 throughput if the device supports TF32, which PyTorch uses for convolutions by default.
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
"""Fraction of the peak throughput that a training step is assumed to reach on a GPU; not measured."""
CPU_SHARES = {"fp32": 0.3, "bf16": 0.14}
"""Fraction of the measured matrix-multiplication throughput that a training step reaches on a CPU, by precision. It was
measured with the recipe ``small`` on two cores of an Intel Xeon, 2026-11-28, in fp32 with AVX-512 and in bf16 with AMX
(``benchmarks/training_step.py``)."""


@dataclass(frozen=True)
class DeviceKind:
    """A kind of device, with its performance as stated by the vendor or as measured."""

    name: str
    """Name of the kind on the command line."""
    title: str
    """Full name of the device."""
    half: Literal["bf16", "fp16"]
    """Preferred half-precision format of the device."""
    half_flops: float
    """Peak throughput of matrix multiplications in half precision, in FLOP/s."""
    fp32_flops: float
    """Peak throughput of matrix multiplications in fp32 (in TF32 if supported), in FLOP/s."""
    bandwidth: float
    """Memory bandwidth, in bytes per second."""
    memory: float
    """Size of the memory, in bytes."""
    share: float = GPU_SHARE
    """Fraction of the peak throughput that a training step is assumed to reach."""
    basis: str = "an assumption: no training step has been measured on a GPU"
    """Origin of ``share``, worded to complete the sentence "The default of 25% is ..."."""
    cpu: bool = False
    """Whether the device is a CPU, on which gradients are summed in float64."""
    auto: Literal["half", "fp32"] = "half"
    """Precision that ``run.precision auto`` selects: the format ``half``, or fp32."""

    def precision(self, precision: str) -> str:
        """Return the precision (bf16, fp16 or fp32) that a value of ``run.precision`` selects on this device."""
        if precision == "auto":
            return "fp32" if self.auto == "fp32" else self.half
        return precision

    def flops(self, precision: str) -> float:
        """Return the peak throughput in a precision, in FLOP/s.

        Raises :class:`TrainingError` if the device does not support the precision.
        """
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
"""Device kinds by name, as specified by the vendors; the kind ``this`` is measured by :func:`this_machine`."""


def device_kind(name: str) -> DeviceKind:
    """Return the device kind called ``name``; the name ``this`` selects the device of this machine.

    Raises :class:`TrainingError` if the name is unknown.
    """
    if name == "this":
        return this_machine()
    if name not in KINDS:
        raise TrainingError(f"--kind: {name!r} is unknown; use one of {', '.join(KINDS)}, this")
    return KINDS[name]


def this_machine() -> DeviceKind:
    """Measure the device of this machine and return its kind: the GPU if there is one, else the CPU.

    The function times matrix multiplications, in fp32 and in the precision that ``auto`` selects, and a memory copy.
    This takes about two seconds. A CPU is measured with PyTorch's current number of threads.
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
        f"the utilisation that the recipe small reached on a CPU in {auto.name}; benchmarks/training_step.py measures "
        "other recipes",
        True,
        "fp32" if auto.name == "fp32" else "half",
    )


def matrix_rate(precision: Precision, seconds: float = 0.5) -> float:
    """Measure the throughput of the multiplication of two square matrices, in FLOP/s.

    The result is the throughput of the fastest multiplication within ``seconds``. In fp32, TF32 is used if
    ``torch.backends.cuda.matmul`` allows it. On a CPU, matrices of two sizes are multiplied: small ones are seldom
    interrupted by other processes, and large ones keep many threads busy.
    """
    device = precision.device

    def multiplication(size: int) -> Callable[[], object]:
        a, b = (torch.randn(size, size, device=device).to(precision.dtype) for _ in range(2))
        return lambda: a @ b

    sizes = (8192,) if device.type == "cuda" else (512, 1024)
    return max(2 * n**3 / _least_seconds(multiplication(n), device, seconds / len(sizes)) for n in sizes)


def copy_rate(device: torch.device, seconds: float = 0.3) -> float:
    """Measure the memory bandwidth, in bytes per second, by copying a large tensor; both reads and writes count."""
    source = torch.ones(2**28 if device.type == "cuda" else 2**25, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / _least_seconds(lambda: target.copy_(source), device, seconds)


def _least_seconds(call: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Return the duration of the fastest of several calls, in seconds.

    After a warm-up call, at least three calls are timed; calls are repeated until ``seconds`` have passed.
    """
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
