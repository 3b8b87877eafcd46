"""What a run tells of itself: one JSON object per line, and TensorBoard where it is installed."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from avgdt.files import WriteError, naming, read_json_lines, write_atomically

Metrics = dict[str, Any]
_REMEDY = "free some space"


class MetricsLog:
    """Appends to ``metrics.jsonl`` and ``tensorboard/`` of a run folder.

    What cannot be written raises :class:`WriteError`.
    """

    def __init__(self, folder: Path, step: int) -> None:
        """Go on at ``step``: what an interrupted run logged beyond its checkpoint is dropped, as it is done again."""
        self.path = folder / "metrics.jsonl"
        self._events = folder / "tensorboard"
        self.kept = [line for line in read_metrics(self.path) if line["step"] <= step] if step else []
        """What was logged up to ``step``."""
        text = "".join(json.dumps(line) + "\n" for line in self.kept)
        write_atomically(self.path, lambda file: file.write(text.encode()), _REMEDY)
        with naming(self.path, _REMEDY):
            self._file = self.path.open("ab", buffering=0)
        self._quiet = ExitStack()  # for as long as there is a thread
        with naming(self._events, _REMEDY), ExitStack() as opening:
            opening.enter_context(_quiet_thread())
            self._board = _board(self._events, step)
            self._quiet = opening.pop_all()

    def write(self, metrics: Metrics) -> None:
        """Append one line; it is on its way to the disk when this returns."""
        line = (json.dumps(metrics) + "\n").encode()
        with naming(self.path, _REMEDY):
            if (written := self._file.write(line)) < len(line):
                self._file.truncate(self.path.stat().st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._board is not None:
            with naming(self._events, _REMEDY):
                for name, value in _flat(metrics).items():
                    self._board.add_scalar(f"{metrics['kind']}/{name}", value, metrics["step"])

    def close(self) -> None:
        """Close the files."""
        with self._quiet:
            self._file.close()
            if self._board is not None:
                with naming(self._events, _REMEDY):
                    self._board.close()

    def abandon(self) -> None:
        """Close the files of a run that failed; that they cannot be written was told already."""
        with suppress(WriteError, OSError):
            self.close()


@contextmanager
def _quiet_thread() -> Iterator[None]:
    """Context in which TensorBoard's thread prints no traceback of an error that its next call raises again."""
    before = threading.excepthook
    threading.excepthook = lambda failed: None if isinstance(failed.exc_value, OSError) else before(failed)
    try:
        yield
    finally:
        threading.excepthook = before


def read_metrics(path: Path) -> list[Metrics]:
    """The lines of a ``metrics.jsonl``; see :func:`avgdt.files.read_json_lines` for damaged ones."""
    return read_json_lines(path, ("kind", "step"))


def _board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)


def _flat(metrics: Metrics, prefix: str = "") -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, value in metrics.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and name not in ("step", "epoch"):
            flat[prefix + name] = value
    return flat
