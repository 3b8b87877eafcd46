"""Processes that this one starts, and the signals that stop it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
STOPPING = tuple(signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__)  # Windows has two
"""Ctrl-C, the end of a job, a closed terminal, and what schedulers send some time before the end of a job."""


@contextmanager
def stopping_blocked() -> Iterator[None]:
    """Context in which the signals that stop a command wait; a process started in it is born with them blocked.

    Whoever ends a job may send them to all of its processes: it is this one that acts on them, and ends the others.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
