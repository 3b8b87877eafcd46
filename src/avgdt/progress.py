"""Terminal output: the progress bar of every command, and consoles for messages and tables."""

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

from avgdt.processes import rank_from_environment

# The consoles print paths unchanged: they neither wrap them nor interpret them as markup.
_QUIET = rank_from_environment().rank > 0
"""Whether this process is silent; in a distributed training run, only the first process writes to the terminal."""
console = Console(quiet=_QUIET, stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
"""Console of the standard error stream for progress and messages, so that the output of a command can be piped."""


def report(line: str) -> None:
    """Print a line on standard error immediately, above the progress bar if one is shown."""
    console.print(line)


def output() -> Console:
    """Return a console of the standard output, for tables; it prints names unchanged."""
    return Console(highlight=False, markup=False, emoji=False)


def bar() -> Progress:
    """Return a progress bar on standard error with a description, a count, times and a field ``note``."""
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
def counting(name: str, visible: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Return a context manager with a progress bar; it yields a function to update the bar with (done, total).

    If ``visible`` is false, the bar appears with the first update.
    """
    with bar() as progress:
        task = progress.add_task(name, total=None, note="", visible=visible)
        yield lambda done, total: progress.update(task, completed=done, total=total, visible=True)
