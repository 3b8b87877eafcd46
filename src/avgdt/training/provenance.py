"""Where and how a figure was measured."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Sequence
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
    return join(["avgdt" if _is_module(Path(program)) else Path(program).name, *rest])


def own_command(*arguments: str) -> str:
    """A command line of this program as it was called itself, to be pasted into the same shell."""
    called = Path(sys.argv[0])
    program = ["avgdt"]
    if _is_module(called):
        program = [sys.executable, "-m", "avgdt"]
    elif called.name == "avgdt" and called.is_file():
        found = shutil.which("avgdt")
        program = ["avgdt"] if found is not None and Path(found).samefile(called) else [sys.argv[0]]
    return join([*program, *arguments])


def option(name: str, value: str | Path) -> list[str]:
    """The words of an option and its value, which may begin with a dash."""
    return [f"{name}={value}"] if str(value).startswith("-") else [name, str(value)]


def _is_module(program: Path) -> bool:
    """Whether it was called as ``python -m avgdt``."""
    return program.name == "__main__.py" and program.parent.name == "avgdt"


def join(words: Sequence[str]) -> str:
    """Words as one line that a shell splits into the same words, also where a file's name holds a new line."""
    return " ".join(shlex.quote(word) if word.isprintable() else _escaped(word) for word in words)


def _escaped(word: str) -> str:
    letters = [chr(byte) if 32 <= byte < 127 and byte not in b"\\'" else f"\\x{byte:02x}" for byte in os.fsencode(word)]
    return f"$'{''.join(letters)}'"
