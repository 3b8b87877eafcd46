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
"""Time, in seconds, within which repeated signals count as one. A terminal and a parent process, such as make, may both
send the signal."""


class Stopped(KeyboardInterrupt):
    """Exception that is raised when a signal stops the command."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(message or f"stopped by {signal.Signals(number).name}")
        self.number = number
        """Signal number."""
        self.reported = False
        """Whether another process of distributed training has already reported the signal."""


@dataclass
class _State:
    handled: bool = False
    deferring: int = 0
    first: int | None = None
    """Number of the first signal received; None if no signal was received."""
    when: float = 0.0
    """Time at which the first signal was received, by ``time.monotonic``."""


_state = _State()


@contextmanager
def handled() -> Iterator[None]:
    """Return a context manager in which a signal raises :class:`Stopped`.

    The exception is raised immediately, or at the end of a :func:`deferred` block. A second Ctrl-C ends the process at
    once; other signals after the first have no effect. Signals that were ignored before, as with nohup, stay ignored.
    The context manager has no effect outside the main thread or within another ``handled``.
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
    """Return a context manager that delays :class:`Stopped` until its end.

    ``Stopped`` is also raised for an earlier signal whose exception was lost: Python drops exceptions that are raised
    in an ``os.fork`` hook.
    """
    _state.deferring += 1
    try:
        yield
    finally:
        _state.deferring -= 1
    stopping = isinstance(sys.exc_info()[1], KeyboardInterrupt)  # the block saves the state after a stop
    if _state.deferring == 0 and _state.first is not None and not stopping:
        raise Stopped(_state.first)


def requested() -> int:
    """Return the number of the first signal received; 0 if no signal was received."""
    return _state.first or 0


@contextmanager
def advising(advice: Callable[[], str]) -> Iterator[None]:
    """Return a context manager that appends ``advice`` to the message of :class:`Stopped`.

    ``advice`` returns a text that states what has been saved and how to resume.
    """
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
        _terminate(number)


def _leave_closed_terminal() -> None:
    """Redirect output to the null device if the terminal was closed."""
    for descriptor in (1, 2):
        try:
            os.write(descriptor, b"")
        except OSError:
            with suppress(OSError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, descriptor)
                os.close(null)


def _terminate(number: int) -> None:
    """Terminate this process and its workers immediately, without saving."""
    for process in multiprocessing.active_children():
        process.kill()
    with suppress(OSError):
        cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # the progress bar hides the cursor
        os.write(2, f"{cursor}\navgdt: terminated immediately; the steps since the last checkpoint are lost\n".encode())
    os._exit(128 + number)
