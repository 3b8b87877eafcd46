"""Mistakes in what is asked of the little world, and files that cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avgdt.errors import AvgdtError


class WorldError(AvgdtError):
    """The world cannot be rendered as asked."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """While ``path`` is written; raises WorldError where that fails, as on a full disk."""
    try:
        yield
    except OSError as error:
        raise WorldError(
            f"{path}: cannot be written ({error.strerror or error}); make room or name another folder, then run this "
            "again: films that are finished are kept"
        ) from error
