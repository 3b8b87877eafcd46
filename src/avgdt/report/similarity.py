"""The similarity of every picture with every sound, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from avgdt.report.colours import places
from avgdt.report.images import png
from avgdt.report.matching import Matches


@dataclass(frozen=True)
class Group:
    """Neighbouring rows of one class."""

    name: str
    begin: float
    """Share of the side, 0 to 1."""
    end: float


@dataclass(frozen=True)
class Matrix:
    """One matrix on the page."""

    title: str
    image: str
    """PNG, one pixel per pair."""
    low: float
    """The cosine of the darkest colour."""
    high: float
    """The cosine of the brightest colour."""
    own: float
    """Mean cosine of a picture with its own sound."""
    other: float
    """Mean cosine of a picture with another recording's sound."""


@dataclass(frozen=True)
class Similarity:
    """The run's matrix beside that of random weights."""

    matrices: tuple[Matrix, Matrix]
    groups: tuple[Group, ...]
    """Empty without labels."""
    count: int


def similarity(matches: Matches) -> Similarity:
    """Both matrices, in the order of the classes where there are any."""
    both = (_matrix("This run", matches.similarity), _matrix("Random weights", matches.random))
    return Similarity(both, _groups(matches.names), len(matches.names))


def _matrix(title: str, cosines: NDArray[np.float64]) -> Matrix:
    low, high = (float(bound) for bound in np.percentile(cosines, (1, 99.5)))
    own = np.eye(len(cosines), dtype=bool)
    return Matrix(
        title, png(places(cosines, low, high)), low, high, float(cosines[own].mean()), float(cosines[~own].mean())
    )


def _groups(names: Sequence[str]) -> tuple[Group, ...]:
    if not any(names):
        return ()
    groups, begin = [], 0
    for name, members in groupby(names):
        end = begin + sum(1 for _ in members)
        groups.append(Group(name, begin / len(names), end / len(names)))
        begin = end
    return tuple(groups)
