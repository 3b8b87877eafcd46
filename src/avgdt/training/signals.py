"""Handling of signals: a command stops between two training steps, never within one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from avgdt.processes import STOPPING

SAME_SECONDS = 0.5
"""Seconds within which repeated signals count as one: a terminal and a parent such as make may both send it."""


class Stopped(KeyboardInterrupt):
    """The command was stopped by a signal."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(message or f"stopped by {signal.Signals(number).name}")
        self.number = number
        """Number of the signal."""
        self.reported = False
        """Whether another process of a distributed training has reported it."""


@dataclass
class _State:
    handled: bool = False
    deferring: int = 0
    first: int | None = None
    """Number of the first signal received."""
    when: float = 0.0
    """``time.monotonic`` at that signal."""


_state = _State()


@contextmanager
def handled() -> Iterator[None]:
    """Context in which a signal raises :class:`Stopped`, at once or at the end of a :func:`deferred` block.

    A second Ctrl-C ends the process at once; other signals after the first have no effect. Signals that were ignored
    before, as with nohup, stay ignored. Does nothing outside the main thread, or within another ``handled``.
    """
    if _state.handled or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in STOPPING}
    before = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    _state.handled, _state.deferring, _state.first = True, 0, None
    try:
        for number in before:
            signal.signal(number, _handle)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _state.handled, _state.first = False, None


@contextmanager
def deferred() -> Iterator[None]:
    """Context that delays :class:`Stopped` to its end.

    Raises it also for an earlier signal whose exception was lost: Python drops those raised in a hook of ``os.fork``.
    """
    _state.deferring += 1
    try:
        yield
    finally:
        _state.deferring -= 1
    stopping = isinstance(sys.exc_info()[1], KeyboardInterrupt)  # this block saves after a stop
    if _state.deferring == 0 and _state.first is not None and not stopping:
        raise Stopped(_state.first)


def requested() -> int:
    """The number of the first signal received; 0 without one."""
    return _state.first or 0


@contextmanager
def advising(advice: Callable[[], str]) -> Iterator[None]:
    """Context that appends ``advice`` to the message of :class:`Stopped`: what is saved, and how to resume."""
    try:
        yield
    except KeyboardInterrupt as stop:
        number = stop.number if isinstance(stop, Stopped) else signal.SIGINT
        advised = Stopped(number, f"{str(stop) or Stopped(number)}; {advice()}")
        advised.reported = getattr(stop, "reported", False)
        raise advised from None


def _handle(number: int, frame: FrameType | None) -> None:
    if number == signal.SIGHUP:
        _leave_closed_terminal()
    if _state.first is None:
        _state.first, _state.when = number, time.monotonic()
        if _state.deferring == 0:
            raise Stopped(number)
    elif number == signal.SIGINT and time.monotonic() - _state.when > SAME_SECONDS:
        _end_at_once(number)


def _leave_closed_terminal() -> None:
    """Redirect output to the null device where the terminal was closed."""
    for descriptor in (1, 2):
        try:
            os.write(descriptor, b"")
        except OSError:
            with suppress(OSError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, descriptor)
                os.close(nowhere)


def _end_at_once(number: int) -> None:
    """End this process and its workers at once, without saving."""
    for process in multiprocessing.active_children():
        process.kill()
    with suppress(OSError):
        cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # hidden by the progress bar
        os.write(2, f"{cursor}\navgdt: ended at once; the steps since the last checkpoint are not saved\n".encode())
    os._exit(128 + number)
