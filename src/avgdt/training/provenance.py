"""Provenance of results (machine, software versions and command line), and the log of a run's sessions."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import torch

import avgdt
from avgdt.files import naming
from avgdt.models.fused_batch_norm import batch_norm_is_compiled
from avgdt.models.precision import Precision
from avgdt.processes import rank_from_environment

SESSIONS = "sessions.jsonl"


def write_session(folder: Path, step: int, precision: Precision) -> None:
    """Append date, command and machine to the ``sessions.jsonl`` of a run that starts or resumes at ``step``.

    Raises ``WriteError`` if the file cannot be written.
    """
    session = {
        "step": step,
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": command(),
        "machine": machine(precision),
    }
    with naming(folder / SESSIONS, "free some disk space"), (folder / SESSIONS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(session) + "\n")


def machine(precision: Precision) -> dict[str, str | int]:
    """Return the device, the number of threads, the precision and the software versions as plain data.

    On a CPU, ``batch_norm`` states whether batch norm is compiled for the processor, which changes rounding.
    """
    on_cpu = {}
    if precision.device.type == "cpu":
        on_cpu["batch_norm"] = "compiled" if batch_norm_is_compiled() else "PyTorch"
    return {
        "device": device_name(precision.device),
        "threads": torch.get_num_threads(),
        **on_cpu,
        "precision": precision.name,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "avgdt": avgdt.__version__,
    }


def device_name(device: torch.device) -> str:
    """Return the model name of the GPU or the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return processor_name()


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's model name from ``cpuinfo`` (Linux), or the name that ``platform`` reports."""
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def command(arguments: list[str] | None = None) -> str:
    """Quote a command line for a shell; the default is the command line of this process."""
    program, *rest = sys.argv if arguments is None else arguments
    return join(["avgdt" if _is_module(Path(program)) else Path(program).name, *rest])


def own_command(*arguments: str) -> str:
    """Return the command line, quoted for a shell, that starts this program in the same way as this process."""
    script = Path(sys.argv[0])
    program = ["avgdt"]
    ranks = rank_from_environment()
    if ranks.size > 1 and "TORCHELASTIC_RUN_ID" in os.environ:  # set by torchrun
        nodes = ["--nnodes", str(ranks.size // ranks.local_size)] if ranks.size > ranks.local_size else []
        torchrun = [sys.executable, "-m", "torch.distributed.run", *nodes, "--nproc-per-node", str(ranks.local_size)]
        return join([*torchrun, "-m", "avgdt", *arguments])
    if _is_module(script):
        program = [sys.executable, "-m", "avgdt"]
    elif script.name == "avgdt" and script.is_file():
        installed = shutil.which("avgdt")
        program = ["avgdt"] if installed is not None and Path(installed).samefile(script) else [sys.argv[0]]
    return join([*program, *arguments])


def option(name: str, value: str | Path) -> list[str]:
    """Return the command-line arguments that set an option to ``value``, which may begin with a dash."""
    return [f"{name}={value}"] if str(value).startswith("-") else [name, str(value)]


def _is_module(program: Path) -> bool:
    """Return whether ``program`` is the file that ``python -m avgdt`` runs."""
    return program.name == "__main__.py" and program.parent.name == "avgdt"


def join(words: Sequence[str]) -> str:
    """Return a line that a shell splits into ``words``, which may contain spaces, quotes and line breaks."""
    return " ".join(shlex.quote(word) if word.isprintable() else _escaped(word) for word in words)


def _escaped(word: str) -> str:
    characters = [
        chr(byte) if 32 <= byte < 127 and byte not in b"\\'" else f"\\x{byte:02x}" for byte in os.fsencode(word)
    ]
    return f"$'{''.join(characters)}'"
