"""Confusion matrices of evaluations, for the run and for random weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.metrics import Score
from avgdt.evaluation.results import Result, at
from avgdt.report.formatting import percent
from avgdt.report.images import palette_indices, png
from avgdt.report.retrieval import ClassRange
from avgdt.report.tables import main_row, result_title, row_name

MAX_NUMBERED, MAX_NAMED = 12, 24
"""Maximum numbers of classes for which the cells show percentages and the axes show class names, respectively."""
MAX_PAIRS = 10
BRIGHT = 160
"""Smallest palette index at which dark text is more legible than light text."""


@dataclass(frozen=True)
class Number:
    """The percentage in one cell of a confusion matrix, with its position."""

    x: float
    """Horizontal centre of the cell, from 0 (left side of the matrix) to 1 (right side)."""
    y: float
    """Vertical centre of the cell, from 0 (top of the matrix) to 1 (bottom)."""
    text: str
    bright: bool
    """Whether the cell is so bright that its text must be dark."""


@dataclass(frozen=True)
class ConfusionMatrix:
    """The confusion matrix of the run or of random weights, as an image."""

    title: str
    image: str
    """Data URI of a PNG with one pixel per cell: rows are true classes, columns are predicted classes. The colour
    encodes the square root of the cell's fraction of its row."""
    accuracy: str
    """Accuracy in per cent, as text."""
    numbers: tuple[Number, ...]


@dataclass(frozen=True)
class ClassAccuracy:
    """The accuracy of one class, for the run and for random weights."""

    name: str
    count: int
    """Number of test examples of the class."""
    run: str
    random: str


@dataclass(frozen=True)
class Pair:
    """A true class and the class with which it is confused."""

    truth: str
    predicted: str
    times: int
    count: int
    """Number of test examples of the true class."""


@dataclass(frozen=True)
class Confusion:
    """Confusion matrices and class accuracies of one evaluation, for the run and for random weights."""

    title: str
    row: str
    """Name of the row of the result, such as a classifier; empty if the result has a single row."""
    matrices: tuple[ConfusionMatrix, ...]
    ranges: tuple[ClassRange, ...]
    """Classes along the axes of the matrix; empty for more than ``MAX_NAMED`` classes."""
    classes: tuple[ClassAccuracy, ...]
    """Accuracies of the classes, least accurate first."""
    pairs: tuple[Pair, ...]
    """Most frequent confusions; empty if the matrix shows percentages in its cells."""


def confusion(result: Result) -> Confusion | None:
    """Return the confusion matrices of the main row of ``result``, or None if the row has no confusion matrix."""
    path = main_row(result)
    if path is None:
        return None
    titles = {"pretrained": "This run", "random": "Random weights"}
    rows = {source: at(result[source], path) or {} for source in titles}
    scores = {source: Score(np.array(row["confusion"])) for source, row in rows.items() if "confusion" in row}
    if "pretrained" not in scores:
        return None
    names = [str(name) for name in result["classes"]]
    return Confusion(
        result_title(result),
        row_name(path),
        tuple(_matrix(titles[source], rows[source], score) for source, score in scores.items()),
        tuple(ClassRange(name, i / len(names), (i + 1) / len(names)) for i, name in enumerate(names))
        if len(names) <= MAX_NAMED
        else (),
        _classes(names, scores["pretrained"], scores.get("random")),
        _pairs(names, scores["pretrained"].confusion) if len(names) > MAX_NUMBERED else (),
    )


def _matrix(title: str, row: Mapping[str, Any], score: Score) -> ConfusionMatrix:
    counts = score.confusion
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    colours = palette_indices(np.sqrt(fractions), 0.0, 1.0)  # the square root makes rare confusions visible
    side = len(counts)
    numbers = tuple(
        Number((j + 0.5) / side, (i + 0.5) / side, f"{100 * fractions[i, j]:.0f}", bool(colours[i, j] >= BRIGHT))
        for i, j in np.argwhere(counts)
        if side <= MAX_NUMBERED
    )
    return ConfusionMatrix(title, png(colours), percent(row["accuracy"]), numbers)


def _classes(names: Sequence[str], run: Score, random: Score | None) -> tuple[ClassAccuracy, ...]:
    counts, accuracy = run.confusion.sum(axis=1), run.class_accuracy
    random_accuracy = [None] * len(names) if random is None else random.class_accuracy
    order = sorted(range(len(names)), key=lambda i: (accuracy[i] is None, accuracy[i] or 0.0))
    return tuple(
        ClassAccuracy(names[i], int(counts[i]), _share(accuracy[i]), _share(random_accuracy[i])) for i in order
    )


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _pairs(names: Sequence[str], confusion: NDArray[np.int64]) -> tuple[Pair, ...]:
    """Return at most :data:`MAX_PAIRS` confusions, in decreasing order of their fraction of the true class."""
    counts = confusion.sum(axis=1)
    fractions = confusion / np.maximum(counts[:, None], 1)
    np.fill_diagonal(fractions, 0.0)
    order = np.argsort(-fractions, axis=None, kind="stable")[:MAX_PAIRS]
    cells = [
        (int(i), int(j)) for i, j in zip(*np.unravel_index(order, fractions.shape), strict=True) if fractions[i, j] > 0
    ]
    return tuple(Pair(names[i], names[j], int(confusion[i, j]), int(counts[i])) for i, j in cells)
