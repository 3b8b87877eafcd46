"""DCASE2014: ten acoustic scenes, trained on the development set and tested on the one that was private at first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avgdt.data.benchmarks.dcase2014 import read_layout
from avgdt.data.benchmarks.layout import Layout
from avgdt.evaluation.folds import Folds
from avgdt.evaluation.frozen import nearest_neighbours
from avgdt.evaluation.linear_svm import linear_svm
from avgdt.evaluation.one_turn import one_turn
from avgdt.evaluation.over_folds import over_folds
from avgdt.evaluation.protocols.sounds import SoundOptions
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.sub_clips import SIXTY, SubClips


@dataclass(frozen=True)
class Dcase2014(SoundOptions):
    """DCASE2014: scenes of 30 seconds, by a linear SVM on frozen features of sixty 1-second sub-clips.

    The features are those of ESC-50, the last convolution pooled over three time steps (1024 of a ResNet-18 and one
    second): the paper does not say which they are. Nearest neighbours stand beside it, their number chosen on a part of
    the training sounds.
    """

    protocol: ClassVar[str] = "dcase2014"
    clips: ClassVar[SubClips] = SIXTY
    probes: ClassVar[int] = 2

    def layout(self, data: Path) -> Layout:
        """The sounds of both sets."""
        return read_layout(data)

    def turns(self, segments: Sequence[Segment]) -> Folds:
        """The only one."""
        return one_turn(segments)

    def sizes(self, segments: Sequence[Segment], folds: Folds) -> dict[str, int]:
        """Sounds of train and of test, and classes."""
        (turn,) = folds.turns
        return {"train": len(turn.taught), "test": len(turn.test), "classes": len(folds.classes)}

    def frozen(self, features: NDArray[np.float32], folds: Folds, after: Callable[[], None]) -> dict[str, Any]:
        """The machine by the letter, and the neighbours beside it."""
        means = features.mean(axis=1)
        return {
            "linear_svm": over_folds(folds, lambda fold: linear_svm(features, folds, fold), after),
            "nearest_neighbours": over_folds(folds, lambda fold: nearest_neighbours(means, folds, fold), after),
        }
