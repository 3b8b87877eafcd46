"""Progress bars on the terminal's error stream, so that output can be piped."""

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

# Paths are printed as they are: neither broken in two nor read as markup.
console = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def output() -> Console:
    """The terminal's output stream, for tables: names in them are printed as they are."""
    return Console(highlight=False, markup=False, emoji=False)


def bar(note: str = "") -> Progress:
    """A bar with a name, a count, the time spent, the time left and a changing ``note`` field."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
    )


@contextmanager
def counting(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is fed (done, of how many)."""
    with bar() as progress:
        task = progress.add_task(name, total=None, note="")
        yield lambda done, total: progress.update(task, completed=done, total=total)
