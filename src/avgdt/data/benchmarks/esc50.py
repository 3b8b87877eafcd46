"""ESC-50 as it is distributed (Piczak 2015): a list of sounds with folds, and a folder of sounds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from avgdt.data.benchmarks.layout import SOUNDS, Files, Layout, check_some, lay_out
from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry, read_manifest

NEEDED = ("fold", "category")
"""Columns of the list beside ``filename``; ESC-10 also needs ``esc10``."""
FOLDS = ("1", "2", "3", "4", "5")
"""As the list names them."""


def read_layout(folder: Path, esc10: bool) -> Layout:
    """The sounds of ESC-50 in ``folder``, or those of ESC-10 alone.

    Raises :class:`DataError` where this is no such folder, a column lacks, a sound is listed twice, in no fold or in
    another one than its name says, or no sound is there.
    """
    meta, audio = folder / "meta" / "esc50.csv", folder / "audio"
    for path, there in ((meta, meta.is_file()), (audio, audio.is_dir())):
        if not there:
            raise DataError(
                f"{path}: not there; --data takes ESC-50's folder as distributed, with meta/esc50.csv and audio/"
            )
    listed = read_manifest(meta, ("filename",))
    _check(listed, meta, (*NEEDED, "esc10") if esc10 else NEEDED)
    sounds = Files({path.name: path for path in sorted(audio.iterdir())})
    names = [
        Entry(Path(entry.path.name), extra={**entry.extra, "fold": entry.extra["fold"].strip()}) for entry in listed
    ]
    layout = lay_out(names, sounds, audio, SOUNDS, "meta/esc50.csv")
    entries = [entry for entry in layout.entries if not esc10 or entry.extra["esc10"].strip().lower() in ("true", "1")]
    check_some(entries, "recordings", audio, str(meta))
    return Layout(entries, layout.unlisted)


def _check(listed: Sequence[Entry], meta: Path, needed: Sequence[str]) -> None:
    seen = set[str]()
    for line, entry in enumerate(listed, start=2):
        name = entry.path.name
        for column in needed:
            if not entry.extra.get(column, "").strip():
                raise DataError(
                    f"{meta}, line {line}, column `{column}`: missing or empty; take the list as distributed"
                )
        # Names are FOLD-SOURCE-TAKE-CLASS.
        named, fold = re.match(r"(\d+)-", name), entry.extra["fold"].strip()
        if fold not in FOLDS:
            raise DataError(f"{meta}, line {line}: {name} is in fold '{fold}'; there are {', '.join(FOLDS)}")
        if named and named[1] != fold:
            raise DataError(f"{meta}, line {line}: {name} is of fold {named[1]} by its name, but listed in fold {fold}")
        if name in seen:
            raise DataError(f"{meta}, line {line}: {name} is listed twice")
        seen.add(name)


def deal_sources(entries: Sequence[Entry], parts: int) -> list[Entry]:
    """The entries with ``fold`` 1 to ``parts``; sounds cut from one recording stay together, as in the official folds.

    The sources of each class, the largest first, equal ones in an order that is drawn once and for all, go each to the
    part that has fewest sounds of the class. Sounds of a class with fewer sources than parts get an error. Raises
    :class:`DataError` where the source is unknown.
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
            f"{entry.path}: its source is given neither by `src_file` nor by its name, FOLD-SOURCE-TAKE-CLASS"
        )
    return source
