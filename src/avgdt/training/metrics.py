"""Metrics of a run: means over training steps, written as JSON lines and, if available, to TensorBoard."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from avgdt.files import WriteError, naming, read_json_lines, write_atomically

Metrics = dict[str, Any]
_REMEDY = "free some disk space"


class RunningMeans:
    """Means of scalars over training steps.

    The sums are computed on the device of the scalars; only :meth:`read` synchronises with it.
    """

    def __init__(self) -> None:
        self.steps = 0
        """Number of steps since the means were last read."""
        self._names: list[str] = []
        self._sum: torch.Tensor | None = None

    def add(self, values: dict[str, torch.Tensor]) -> None:
        """Add the scalars of one step, which must have the same names at every step."""
        vector = torch.stack([value.detach().float() for value in values.values()])
        self._names, self._sum = list(values), vector if self._sum is None else self._sum + vector
        self.steps += 1

    def read(self) -> dict[str, float]:
        """Return the means by name, and reset them; the result is empty if nothing was added since the last call."""
        if self._sum is None:
            return {}
        means = dict(zip(self._names, (self._sum / self.steps).tolist(), strict=True))
        self.steps, self._sum = 0, None
        return means


class MetricsLog:
    """Log that appends metrics to ``metrics.jsonl`` and ``tensorboard/`` in a run folder.

    Raises :class:`WriteError` if either of them cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        """Open the log at ``step``; lines that an interrupted run logged after its checkpoint are dropped."""
        self.path = folder / "metrics.jsonl"
        self._events = folder / "tensorboard"
        self.earlier = [line for line in read_metrics(self.path) if line["step"] <= step] if step else []
        """Metrics of earlier sessions, up to ``step``."""
        text = "".join(json.dumps(line) + "\n" for line in self.earlier)
        write_atomically(self.path, lambda file: file.write(text.encode()), _REMEDY)
        with naming(self.path, _REMEDY):
            self._file = self.path.open("ab", buffering=0)
        self._quiet = ExitStack()  # holds _quiet_thread while TensorBoard's thread runs
        with naming(self._events, _REMEDY), ExitStack() as opening:
            opening.enter_context(_quiet_thread())
            self._board = _board(self._events, step)
            self._quiet = opening.pop_all()

    def write(self, metrics: Metrics) -> None:
        """Append one line of metrics, without buffering."""
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
        """Close ``metrics.jsonl`` and the TensorBoard log."""
        with self._quiet:
            self._file.close()
            if self._board is not None:
                with naming(self._events, _REMEDY):
                    self._board.close()

    def abandon(self) -> None:
        """Close the files of a run that has failed, without raising a second error."""
        with suppress(WriteError, OSError):
            self.close()


@contextmanager
def _quiet_thread() -> Iterator[None]:
    """Return a context manager that silences an ``OSError`` in TensorBoard's thread; TensorBoard raises it again
    when it is next called."""
    before = threading.excepthook
    threading.excepthook = lambda failed: None if isinstance(failed.exc_value, OSError) else before(failed)
    try:
        yield
    finally:
        threading.excepthook = before


def read_metrics(path: Path) -> list[Metrics]:
    """Return the lines of a ``metrics.jsonl`` file; see :func:`avgdt.files.read_json_lines` for damaged lines."""
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
