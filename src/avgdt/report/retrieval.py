"""Cross-modal retrieval among the run's example recordings: the similarity matrices and the table of figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgdt.report.images import palette_indices, png
from avgdt.report.tables import ResultTable, table


@dataclass(frozen=True)
class ClassRange:
    """A block of consecutive rows and columns of the similarity matrix with the same class."""

    name: str
    begin: float
    """Share of the side, 0 to 1."""
    end: float


@dataclass(frozen=True)
class SimilarityMatrix:
    """The cosines between videos and audios by the networks of the run or by random ones."""

    title: str
    image: str
    """PNG, one pixel per pair."""
    low: float
    """The cosine of the darkest colour."""
    high: float
    """The cosine of the brightest colour."""
    positive: float
    """Mean cosine of video and audio of the same recording."""
    negative: float
    """Mean cosine of video and audio of different recordings."""


@dataclass(frozen=True)
class RetrievalExamples:
    """The similarity matrices of the run and of random weights, and the figures of retrieval."""

    split: str
    """The split of the recordings: test, held-out or training."""
    recordings: int
    matrices: tuple[SimilarityMatrix, SimilarityMatrix]
    classes: tuple[ClassRange, ...]
    """Blocks of the matrices; empty without labels."""
    table: ResultTable


def retrieval(examples: Mapping[str, Any]) -> RetrievalExamples:
    """The retrieval examples of ``results/examples.json``, which are sorted by class if labelled."""
    classes = [str(recording["class"]) for recording in examples["recordings"]]
    pretrained, random = (np.array(examples["similarity"][source]) for source in ("pretrained", "random"))
    figures = {
        "protocol": "retrieval",
        "options": {},
        "sizes": {"recordings": len(classes)},
        **{source: examples[source] for source in ("pretrained", "random", "chance")},
    }
    explained = "The example recordings below, one clip from the middle of each."
    return RetrievalExamples(
        examples["split"],
        len(classes),
        (_matrix("This run", pretrained), _matrix("Random weights", random)),
        _ranges(classes),
        replace(table(figures), title="Retrieval examples", explained=explained),
    )


def _matrix(title: str, cosines: NDArray[np.float64]) -> SimilarityMatrix:
    low, high = (float(bound) for bound in np.percentile(cosines, (1, 99.5)))
    diagonal = np.eye(len(cosines), dtype=bool)
    image = png(palette_indices(cosines, low, high))
    return SimilarityMatrix(title, image, low, high, float(cosines[diagonal].mean()), float(cosines[~diagonal].mean()))


def _ranges(classes: Sequence[str]) -> tuple[ClassRange, ...]:
    if not any(classes):
        return ()
    ranges, begin = [], 0
    for name, members in groupby(classes):
        end = begin + sum(1 for _ in members)
        ranges.append(ClassRange(name, begin / len(classes), end / len(classes)))
        begin = end
    return tuple(ranges)
