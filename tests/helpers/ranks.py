"""Helpers that start and end the processes of a distributed training run, as with ``torchrun``."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def free_port() -> int:
    """Return a port on which no process listens."""
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return int(listener.getsockname()[1])


def start_ranks(count: int, module: str, arguments: Sequence[object], folder: Path) -> list[subprocess.Popen[str]]:
    """Start ``python -m module arguments`` in ``folder`` as ``count`` processes whose ``stderr`` is a pipe.

    ``torchrun`` is not used because it ends all processes if one fails: the ranks themselves must detect the failure.
    """
    shared = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(count)}
    shared |= {"LOCAL_WORLD_SIZE": str(count), "OMP_NUM_THREADS": "1"}
    root = str(Path(__file__).parents[2])
    return [
        subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank), "PYTHONPATH": root},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]


def finish(ranks: Sequence[subprocess.Popen[str]], seconds: float = 120.0) -> tuple[list[int], list[str]]:
    """Return the exit code and the error output of each rank; kill all ranks if one runs longer than ``seconds``."""
    try:
        errors = [rank.communicate(timeout=seconds)[1] for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()
    return [rank.returncode for rank in ranks], errors
