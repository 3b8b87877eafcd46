"""Cross-modal retrieval among the example recordings of a run: similarity matrices and metrics."""

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
    """A block of consecutive rows and columns of a matrix that belong to one class."""

    name: str
    begin: float
    """Start of the block as a fraction of the side, from 0 to 1."""
    end: float


@dataclass(frozen=True)
class SimilarityMatrix:
    """Cosine similarities between video and audio embeddings, for the networks of the run or for random weights."""

    title: str
    image: str
    """Data URI of a PNG with one pixel per pair of video and audio."""
    low: float
    """Cosine similarity that is shown in the darkest colour."""
    high: float
    """Cosine similarity that is shown in the brightest colour."""
    positive: float
    """Mean cosine similarity of video and audio of the same recording."""
    negative: float
    """Mean cosine similarity of video and audio of different recordings."""


@dataclass(frozen=True)
class RetrievalExamples:
    """Similarity matrices and retrieval metrics of the example recordings, for the run and for random weights."""

    split: str
    """Split of the recordings: test, held-out or training."""
    recordings: int
    matrices: tuple[SimilarityMatrix, SimilarityMatrix]
    classes: tuple[ClassRange, ...]
    """Blocks of the classes in the matrices; empty without labels."""
    table: ResultTable


def retrieval(examples: Mapping[str, Any]) -> RetrievalExamples:
    """Return the similarity matrices and the metrics of a run's retrieval examples.

    ``examples`` is the field ``retrieval`` of ``results/examples.json``, with recordings sorted by class if labelled.
    """
    classes = [str(recording["class"]) for recording in examples["recordings"]]
    pretrained, random = (np.array(examples["similarity"][source]) for source in ("pretrained", "random"))
    result = {
        "protocol": "retrieval",
        "options": {},
        "sizes": {"recordings": len(classes)},
        **{source: examples[source] for source in ("pretrained", "random", "chance")},
    }
    explained = "Retrieval among the example recordings below, with one clip from the middle of each."
    return RetrievalExamples(
        examples["split"],
        len(classes),
        (_matrix("This run", pretrained), _matrix("Random weights", random)),
        _ranges(classes),
        replace(table(result), title="Retrieval examples", explained=explained),
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
