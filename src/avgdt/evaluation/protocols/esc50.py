"""ESC-50: environmental sounds of fifty classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from avgdt.data.esc50_parts import deal_sources
from avgdt.data.layout import Layout
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import LEAST, Folds, make_folds
from avgdt.evaluation.protocols.esc import EscOptions
from avgdt.evaluation.segments import Segment


@dataclass(frozen=True)
class Esc50(EscOptions):
    """ESC-50: 2000 sounds of 50 classes in five folds, by frozen features of ten 2-second sub-clips."""

    protocol: ClassVar[str] = "esc50"
    esc10: ClassVar[bool] = False

    parts: int = 0
    """Deal the one fold of --folds into so many parts by source recording, three or more, and test those in turn, where
    the other folds are not at hand. That is not ESC-50's protocol, and its figures compare with no others."""

    def check(self) -> None:
        """Raise :class:`EvaluationError` for an option out of bounds."""
        super().check()
        if self.parts and self.parts < LEAST:
            raise EvaluationError(f"parts: {self.parts} is too few; use {LEAST} or more: one is tested, one chooses")
        if self.parts and len(self.folds) != 1:
            raise EvaluationError(f"parts: they are dealt of one fold, not of {len(self.folds)}; use --folds N")

    def layout(self, data: Path) -> Layout:
        """The sounds of the folds that are asked for, or those of one in parts."""
        layout = super().layout(data)
        return Layout(deal_sources(layout.entries, self.parts), layout.unlisted) if self.parts else layout

    def turns(self, segments: Sequence[Segment]) -> Folds:
        """One for each fold, or for each part of one."""
        if not self.parts:
            return super().turns(segments)
        return make_folds(segments, [str(part + 1) for part in range(self.parts)])
