"""What a run tells of itself: one JSON object per line, and TensorBoard where it is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Metrics = dict[str, Any]


class MetricsLog:
    """Appends to ``metrics.jsonl`` and ``tensorboard/`` of a run folder."""

    def __init__(self, folder: Path, step: int) -> None:
        """Go on at ``step``: what an interrupted run logged beyond its checkpoint is dropped, as it is done again."""
        self.path = folder / "metrics.jsonl"
        kept = [line for line in read_metrics(self.path) if line["step"] <= step] if step else []
        self.path.write_text("".join(json.dumps(line) + "\n" for line in kept))
        self._file = self.path.open("a", buffering=1)
        self._board = _board(folder / "tensorboard", step)

    def write(self, metrics: Metrics) -> None:
        """Append one line; it is on its way to the disk when this returns."""
        self._file.write(json.dumps(metrics) + "\n")
        if self._board is not None:
            for name, value in _flat(metrics).items():
                self._board.add_scalar(f"{metrics['kind']}/{name}", value, metrics["step"])

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def read_metrics(path: Path) -> list[Metrics]:
    """The lines of a ``metrics.jsonl``; a last line that was cut off by a crash is left out."""
    lines = path.read_text().splitlines() if path.exists() else []
    metrics = []
    for number, line in enumerate(lines):
        try:
            metrics.append(json.loads(line))
        except json.JSONDecodeError:
            if number < len(lines) - 1:
                raise
    return metrics


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
