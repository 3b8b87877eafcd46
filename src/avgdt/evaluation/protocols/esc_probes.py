"""What the protocols on sounds of ESC-50 share: the paper's probes of ten 2-second sub-clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.folds import Folds
from avgdt.evaluation.frozen import frozen_figures
from avgdt.evaluation.protocols.sounds import SoundOptions
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.sub_clips import TEN, SubClips


@dataclass(frozen=True)
class EscProbes(SoundOptions):
    """Sounds told apart by frozen features of ten 2-second sub-clips."""

    clips: ClassVar[SubClips] = TEN
    columns: ClassVar[tuple[str, str]] = ("fold", "category")
    probes: ClassVar[int] = 3

    epochs: int = 100
    """Passes of the linear layer over the training folds; 0 chooses from 10 to 400 on a training fold."""

    def check(self) -> None:
        """Raise :class:`EvaluationError` for an option out of bounds."""
        if self.epochs < 0:
            raise EvaluationError(f"epochs: {self.epochs} is too few; use 0 or more")
        super().check()

    def sizes(self, segments: Sequence[Segment], folds: Folds) -> dict[str, int]:
        """Sounds, classes and folds."""
        return {"sounds": len(segments), "classes": len(folds.classes), "folds": len(folds.turns)}

    def frozen(self, features: NDArray[np.float32], folds: Folds, after: Callable[[], None]) -> dict[str, Any]:
        """The linear layer by the letter, and two tuned probes beside it."""
        return frozen_figures(features, folds, self.epochs, self.seed, after)
