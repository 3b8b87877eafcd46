"""A gallery of retrieval: what was asked by one modality, and the five nearest by the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from avgdt.evaluation.features import Progress
from avgdt.media.errors import MediaError
from avgdt.report.matching import Matches, order
from avgdt.report.snippets import Snippet, snippet
from avgdt.transforms.log_mel import LogMelSpectrogram

QUERIES = 6
NEAREST = 5

Hit = Literal["own", "class", ""]


@dataclass(frozen=True)
class Tile:
    """One recording in the gallery."""

    name: str
    """The file's name."""
    label: str
    """Its class; empty for none."""
    snippet: Snippet | None
    """None where the film cannot be cut."""
    cosine: float
    hit: Hit
    """own: the query's own recording; class: another one of its class."""


@dataclass(frozen=True)
class Query:
    """A query and its answers, the nearest first."""

    tile: Tile
    answers: tuple[Tile, ...]
    place: int
    """At which place its own other half came."""


@dataclass(frozen=True)
class Gallery:
    """Queries by one modality."""

    by: Literal["video", "audio"]
    queries: tuple[Query, ...]


def galleries(matches: Matches, bank: LogMelSpectrogram, progress: Progress) -> tuple[Gallery, Gallery]:
    """The same queries both ways, drawn by lot, of different classes as far as there are any."""
    asked = _drawn(matches.names)
    orders = {(by, query): order(matches.similarity, by, query) for by in ("video", "audio") for query in asked}
    needed = sorted({*asked, *(int(i) for nearest in orders.values() for i in nearest[:NEAREST])})

    @cache
    def cut(index: int) -> Snippet | None:
        try:
            return snippet(matches.entries[index], matches.centres[index], bank)
        except MediaError:
            return None

    for done, index in enumerate(needed):
        cut(index)
        progress(done + 1, len(needed))

    def gallery(by: Literal["video", "audio"]) -> Gallery:
        return Gallery(by, tuple(_query(matches, by, query, orders[by, query], cut) for query in asked))

    return gallery("video"), gallery("audio")


def _query(
    matches: Matches,
    by: str,
    query: int,
    nearest: Sequence[int] | np.ndarray,
    cut: Callable[[int], Snippet | None],
) -> Query:
    cosines = matches.similarity[query] if by == "video" else matches.similarity[:, query]

    def tile(index: int) -> Tile:
        hit: Hit = "own" if index == query else ""
        if not hit and matches.names[query] and matches.names[index] == matches.names[query]:
            hit = "class"
        return Tile(matches.entries[index].path.name, matches.names[index], cut(index), float(cosines[index]), hit)

    answers = tuple(tile(int(index)) for index in nearest[:NEAREST])
    return Query(tile(query), answers, 1 + int(np.flatnonzero(np.asarray(nearest) == query)[0]))


def _drawn(names: Sequence[str]) -> list[int]:
    """Up to :data:`QUERIES` recordings by lot; no class a second time before every class was there once."""
    lot = [int(i) for i in np.random.default_rng(0).permutation(len(names))]
    seen: dict[str, int] = {}
    rounds: list[tuple[int, int, int]] = []
    for index in lot:
        rounds.append((seen.get(names[index], 0), len(rounds), index))
        seen[names[index]] = seen.get(names[index], 0) + 1
    return [index for _, _, index in sorted(rounds)[:QUERIES]]
