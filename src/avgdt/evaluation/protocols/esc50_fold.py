"""One fold of ESC-50 by itself, for a copy of which no other is whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from avgdt.data.benchmarks.esc50 import deal_sources, read_layout
from avgdt.data.benchmarks.layout import Layout
from avgdt.data.errors import DataError
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import LEAST, Folds, make_folds
from avgdt.evaluation.protocols.esc_probes import EscProbes
from avgdt.evaluation.segments import Segment


@dataclass(frozen=True)
class Esc50Fold(EscProbes):
    """One fold of ESC-50 in parts by source recording, by the features and probes of ESC-50.

    It is not ESC-50's protocol: a training set is five to seven times smaller, and its figures compare with no others.
    """

    protocol: ClassVar[str] = "esc50_fold"

    fold: int = 4
    """The fold."""
    parts: int = 3
    """Parts, each tested in turn with the others to train on: three or more."""

    def check(self) -> None:
        """Raise :class:`EvaluationError` for an option out of bounds."""
        super().check()
        if self.parts < LEAST:
            raise EvaluationError(f"parts: {self.parts} is too few; use {LEAST} or more: one is tested, one chooses")

    def layout(self, data: Path) -> Layout:
        """The sounds of the fold, each in its part; raise ``DataError`` where there are none."""
        layout = read_layout(data, esc10=False)
        entries = [entry for entry in layout.entries if entry.extra["fold"] == str(self.fold)]
        if not entries:
            raise DataError(f"{data}: lists no sound of fold {self.fold}; use one of 1 to 5")
        return Layout(deal_sources(entries, self.parts), layout.unlisted)

    def turns(self, segments: Sequence[Segment]) -> Folds:
        """One for each part."""
        return make_folds(segments, [str(part + 1) for part in range(self.parts)])
