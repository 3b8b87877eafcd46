"""The signals that stop a command, and how child processes inherit them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
STOPPING = tuple(signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__)  # Windows has two
"""Ctrl-C, termination, a closed terminal, and the warnings of schedulers before the end of a job."""


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
