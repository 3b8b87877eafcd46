"""UCF101: 101 kinds of actions, three splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from avgdt.data.benchmarks.layout import Layout
from avgdt.data.benchmarks.ucf101 import read_layout
from avgdt.evaluation.protocols.actions import ActionOptions


@dataclass(frozen=True)
class Ucf101(ActionOptions):
    """UCF101: 13,320 videos of 101 classes in three splits, by finetuned networks and by frozen ones."""

    protocol: ClassVar[str] = "ucf101"

    @staticmethod
    def read(folder: Path, split: int) -> Layout:
        """The folder of UCF101 as distributed."""
        return read_layout(folder, split)
