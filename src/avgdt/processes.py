"""Child processes: how many to start, and how they inherit the signals that stop a command."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
STOPPING = tuple(signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__)  # Windows has two
"""Ctrl-C, termination, a closed terminal, and the warnings of schedulers before the end of a job."""


def usable_cores() -> int:
    """The number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers(workers: int) -> int:
    """``workers``, or for -1 one fewer than the usable cores, from 1 to 8."""
    return workers if workers >= 0 else max(1, min(8, usable_cores() - 1))


@contextmanager
def stopping_blocked() -> Iterator[None]:
    """Context in which signals that stop a command are blocked; processes started in it inherit that.

    A scheduler may signal all processes of a job: the main process handles the signal and ends the others.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
