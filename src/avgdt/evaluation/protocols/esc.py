"""What ESC-10 and ESC-50 share: the paper's protocol of frozen features, fold by fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avgdt.data.esc50 import read_layout
from avgdt.data.layout import Layout
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import Folds, make_folds
from avgdt.evaluation.frozen import frozen_figures
from avgdt.evaluation.protocols.sounds import SoundOptions
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.sub_clips import TEN, SubClips


@dataclass(frozen=True)
class EscOptions(SoundOptions):
    """Sounds told apart by frozen features of ten 2-second sub-clips, in folds."""

    esc10: ClassVar[bool]
    """Whether ten of the classes are all."""
    clips: ClassVar[SubClips] = TEN
    columns: ClassVar[tuple[str, str]] = ("fold", "category")
    probes: ClassVar[int] = 3

    epochs: int = 100
    """Passes of the linear layer over the training folds; 0 chooses from 10 to 400 on a training fold."""
    folds: tuple[int, ...] = (1, 2, 3, 4, 5)
    """Folds that are tested in turn, each with the others to train on: three or more."""

    def check(self) -> None:
        """Raise :class:`EvaluationError` for an option out of bounds."""
        if self.epochs < 0:
            raise EvaluationError(f"epochs: {self.epochs} is too few; use 0 or more")
        super().check()

    def layout(self, data: Path) -> Layout:
        """The sounds of the folds that are asked for."""
        layout, names = read_layout(data, self.esc10), self._names()
        return Layout([entry for entry in layout.entries if entry.extra["fold"] in names], layout.unlisted)

    def turns(self, segments: Sequence[Segment]) -> Folds:
        """One for each fold."""
        return make_folds(segments, self._names())

    def sizes(self, segments: Sequence[Segment], folds: Folds) -> dict[str, int]:
        """Sounds, classes and folds."""
        return {"sounds": len(segments), "classes": len(folds.classes), "folds": len(folds.turns)}

    def frozen(self, features: NDArray[np.float32], folds: Folds, after: Callable[[], None]) -> dict[str, Any]:
        """The linear layer by the letter, and two tuned probes beside it."""
        return frozen_figures(features, folds, self.epochs, self.seed, after)

    def _names(self) -> list[str]:
        return [str(fold) for fold in self.folds]
