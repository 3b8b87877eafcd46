"""Numbers of cores and worker processes, ranks of a distributed training run, and signals that stop a command."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
STOPPING = tuple(signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__)  # Windows has only two
"""Signals that stop a command: Ctrl-C, termination, a closed terminal, and warnings of schedulers."""


def usable_cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class DistributedRank(NamedTuple):
    """Rank of this process and number of processes, in a distributed training run and on this machine."""

    rank: int
    size: int
    local_rank: int
    local_size: int
    """Number of processes on this machine."""


def rank_from_environment() -> DistributedRank:
    """Return the ranks from the environment variables of ``torchrun``; without them, the ranks of a single process."""
    names = (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0), ("LOCAL_WORLD_SIZE", 1))
    return DistributedRank(*(int(os.environ.get(name, default)) for name, default in names))


def default_workers(workers: int) -> int:
    """Return ``workers`` or, if it is negative, a default number.

    The default is one less than the number of cores per training process, clipped to the range from 1 to 8.
    """
    cores = usable_cores() // rank_from_environment().local_size
    return workers if workers >= 0 else max(1, min(8, cores - 1))


@contextmanager
def stopping_blocked() -> Iterator[None]:
    """Return a context manager that blocks the signals that stop a command, also for processes started in it.

    A scheduler may signal all processes of a job; the main process handles the signal and ends the other processes.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
