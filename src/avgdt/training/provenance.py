"""Where and how a figure was measured."""

from __future__ import annotations

import platform
import shlex
import sys
from pathlib import Path

import torch

import avgdt
from avgdt.models.precision import Precision


def machine(precision: Precision) -> dict[str, str | int]:
    """The processor or GPU, its threads, the arithmetic and the versions that computed."""
    return {
        "device": device_name(precision.device),
        "threads": torch.get_num_threads(),
        "precision": precision.name,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "avgdt": avgdt.__version__,
    }


def device_name(device: torch.device) -> str:
    """The GPU's or the processor's name as its maker gives it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return processor_name()


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's model name (Linux), else what the platform says."""
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def command(arguments: list[str] | None = None) -> str:
    """The command line (of this process), to be pasted into a shell."""
    program, *rest = sys.argv if arguments is None else arguments
    return shlex.join([Path(program).name, *rest])
