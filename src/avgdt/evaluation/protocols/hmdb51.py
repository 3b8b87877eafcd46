"""HMDB51: 51 kinds of actions, three splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from avgdt.data.benchmarks.hmdb51 import read_layout
from avgdt.data.benchmarks.layout import Layout
from avgdt.evaluation.protocols.actions import ActionOptions


@dataclass(frozen=True)
class Hmdb51(ActionOptions):
    """HMDB51: 6,766 videos of 51 classes in three splits, by finetuned networks and by frozen ones."""

    protocol: ClassVar[str] = "hmdb51"

    @staticmethod
    def read(folder: Path, split: int) -> Layout:
        """The folder of HMDB51 as distributed."""
        return read_layout(folder, split)
