"""Which class is taken for which, as a picture and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.metrics import Score
from avgdt.evaluation.results import Result, at
from avgdt.report.colours import places
from avgdt.report.headline_row import headline_row
from avgdt.report.images import png
from avgdt.report.similarity import Group
from avgdt.report.tables import title, words
from avgdt.report.wording import percent

MOST_NUMBERS, MOST_NAMES = 12, 24
"""Most classes whose cells hold numbers, and most that are named at the picture's sides."""
MOST_PAIRS = 10
BRIGHT = 160
"""Place in the palette from which on dark letters are read better than light ones."""


@dataclass(frozen=True)
class Number:
    """A cell's per cent."""

    x: float
    """The cell's middle, a share of the side."""
    y: float
    text: str
    bright: bool
    """Whether the cell is so bright that its number must be dark."""


@dataclass(frozen=True)
class Square:
    """The confusion of one network."""

    title: str
    image: str
    """PNG, one pixel per pair of classes: a row is what it is, a column what it was taken for, the colour the square
    root of its share."""
    right: str
    """Share of right ones, as the result tells it."""
    numbers: tuple[Number, ...]


@dataclass(frozen=True)
class Class:
    """How often one class was recognised."""

    name: str
    count: int
    """How often it was asked about."""
    run: str
    random: str


@dataclass(frozen=True)
class Pair:
    """One class taken for another."""

    truth: str
    guess: str
    times: int
    count: int
    """How often ``truth`` was asked about."""


@dataclass(frozen=True)
class Confusion:
    """One evaluation: the run beside random weights."""

    title: str
    row: str
    """Which row of the result this is; empty where there is but one."""
    squares: tuple[Square, ...]
    groups: tuple[Group, ...]
    """The classes at the picture's sides; empty where they are too many."""
    classes: tuple[Class, ...]
    """The least recognised first."""
    pairs: tuple[Pair, ...]
    """The most frequent mistakes, where the picture has no numbers."""


def confusion(result: Result) -> Confusion | None:
    """The confusion of the row that stands for ``result``; None where it holds none."""
    path = headline_row(result)
    if path is None:
        return None
    named = {"pretrained": "This run", "random": "Random weights"}
    rows = {source: at(result[source], path) or {} for source in named}
    scores = {source: Score(np.array(row["confusion"])) for source, row in rows.items() if "confusion" in row}
    if "pretrained" not in scores:
        return None
    names = [str(name) for name in result["classes"]]
    return Confusion(
        title(result),
        " ".join(words(name).rstrip(":") for name in path),
        tuple(_square(named[source], rows[source], one) for source, one in scores.items()),
        tuple(Group(name, i / len(names), (i + 1) / len(names)) for i, name in enumerate(names))
        if len(names) <= MOST_NAMES
        else (),
        _classes(names, scores["pretrained"], scores.get("random")),
        _pairs(names, scores["pretrained"].confusion) if len(names) > MOST_NUMBERS else (),
    )


def _square(title: str, row: Mapping[str, Any], score: Score) -> Square:
    counts = score.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    colours = places(np.sqrt(shares), 0.0, 1.0)  # so that rare mistakes are seen
    side = len(counts)
    numbers = tuple(
        Number((j + 0.5) / side, (i + 0.5) / side, f"{100 * shares[i, j]:.0f}", bool(colours[i, j] >= BRIGHT))
        for i, j in np.argwhere(counts)
        if side <= MOST_NUMBERS
    )
    return Square(title, png(colours), percent(row["accuracy"]), numbers)


def _classes(names: Sequence[str], run: Score, random: Score | None) -> tuple[Class, ...]:
    counts, own = run.confusion.sum(axis=1), run.class_accuracy
    beside = [None] * len(names) if random is None else random.class_accuracy
    order = sorted(range(len(names)), key=lambda i: (own[i] is None, own[i] or 0.0))
    return tuple(Class(names[i], int(counts[i]), _share(own[i]), _share(beside[i])) for i in order)


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _pairs(names: Sequence[str], confusion: NDArray[np.int64]) -> tuple[Pair, ...]:
    """The mistakes that make up most of their class."""
    counts = confusion.sum(axis=1)
    shares = confusion / np.maximum(counts[:, None], 1)
    np.fill_diagonal(shares, 0.0)
    order = np.argsort(-shares, axis=None, kind="stable")[:MOST_PAIRS]
    found = [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, shares.shape), strict=True) if shares[i, j] > 0]
    return tuple(Pair(names[i], names[j], int(confusion[i, j]), int(counts[i])) for i, j in found)
