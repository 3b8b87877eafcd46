"""One fold of ESC-50 dealt into parts by source recording, for a copy of which no other fold is whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from avgdt.data.entry import Entry
from avgdt.data.errors import DataError


def deal_sources(entries: Sequence[Entry], parts: int) -> list[Entry]:
    """The entries with ``fold`` 1 to ``parts``; sounds cut from one recording stay together, as in the official folds.

    The sources of each class, the largest first, equal ones in an order that is drawn once and for all, go each to the
    part that has fewest sounds of the class. Sounds of a class with fewer sources than parts get an error. Raises
    :class:`DataError` where the source is not told.
    """
    random = np.random.default_rng(0)
    part = dict[tuple[str, str], int]()
    short = dict[str, int]()
    for label in sorted({entry.extra["category"] for entry in entries}):
        counts = Counter(_source(entry) for entry in entries if entry.extra["category"] == label and not entry.error)
        if len(counts) < parts:
            short[label] = len(counts)
            continue
        held = [0] * parts
        sources = random.permutation(sorted(counts)).tolist()
        for source in sorted(sources, key=lambda source: -counts[source]):
            smallest = held.index(min(held))
            part[label, source] = smallest + 1
            held[smallest] += counts[source]
    return [_dealt(entry, part.get((entry.extra["category"], _source(entry)), 0), short, parts) for entry in entries]


def _dealt(entry: Entry, part: int, short: dict[str, int], parts: int) -> Entry:
    label = entry.extra["category"]
    error = f"class '{label}' has {short[label]} of {parts} sources in this fold" if label in short else ""
    return replace(entry, extra={**entry.extra, "fold": str(part)}, error=entry.error or error)


def _source(entry: Entry) -> str:
    """The recording that a sound was cut from: its column, or the second part of its name, FOLD-SOURCE-TAKE-CLASS."""
    words = entry.path.stem.split("-")
    source = entry.extra.get("src_file", "").strip() or (words[1] if len(words) == 4 else "")
    if not source:
        raise DataError(
            f"{entry.path}: its source is told neither by `src_file` nor by its name, FOLD-SOURCE-TAKE-CLASS"
        )
    return source
