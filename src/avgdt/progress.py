"""The terminal: the progress bar of every command and the consoles for messages and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from avgdt.processes import ranks_of_environment

# Paths are printed unchanged: neither wrapped nor interpreted as markup.
_QUIET = ranks_of_environment().rank > 0
"""Whether this process writes nothing to the terminal: in a distributed training, only the first one writes."""
console = Console(quiet=_QUIET, stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
"""The error stream, for progress and messages, so that the output of a command can be piped."""


def report(line: str) -> None:
    """Print one line on the error stream at once, above a progress bar where there is one; also when it is piped."""
    console.print(line)


def output() -> Console:
    """The output stream, for tables; names in them are printed unchanged."""
    return Console(highlight=False, markup=False, emoji=False)


def bar() -> Progress:
    """A progress bar on the error stream: description, count, elapsed and remaining time, and a field ``note``."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
        disable=_QUIET,
    )


@contextmanager
def counting(name: str) -> Iterator[Callable[[int, int], None]]:
    """Context with a progress bar; yields its update function, called with (done, total)."""
    with bar() as progress:
        task = progress.add_task(name, total=None, note="")
        yield lambda done, total: progress.update(task, completed=done, total=total)
