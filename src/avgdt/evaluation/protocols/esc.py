"""What ESC-10 and ESC-50 share: the official folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from avgdt.data.benchmarks.esc50 import read_layout
from avgdt.data.benchmarks.layout import Layout
from avgdt.evaluation.folds import Folds, make_folds
from avgdt.evaluation.protocols.esc_probes import EscProbes
from avgdt.evaluation.segments import Segment


@dataclass(frozen=True)
class EscOptions(EscProbes):
    """Sounds told apart by frozen features of ten 2-second sub-clips, in folds."""

    esc10: ClassVar[bool]
    """Whether ten of the classes are all."""

    folds: tuple[int, ...] = (1, 2, 3, 4, 5)
    """Folds that are tested in turn, each with the others to train on: three or more."""

    def layout(self, data: Path) -> Layout:
        """The sounds of the folds that are asked for."""
        layout, names = read_layout(data, self.esc10), self._names()
        return Layout([entry for entry in layout.entries if entry.extra["fold"] in names], layout.unlisted)

    def turns(self, segments: Sequence[Segment]) -> Folds:
        """One for each fold."""
        return make_folds(segments, self._names())

    def _names(self) -> list[str]:
        return [str(fold) for fold in self.folds]
