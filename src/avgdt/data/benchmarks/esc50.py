"""Reader of ESC-50 as distributed (Piczak 2015): a list of recordings with their folds, and a folder of audio files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from avgdt.data.benchmarks.layout import AUDIO_SUFFIXES, Files, Layout, check_some, lay_out
from avgdt.data.errors import DataError
from avgdt.data.manifest import Entry, read_manifest

NEEDED = ("fold", "category")
"""Required columns of ``esc50.csv`` besides ``filename``; ESC-10 also requires ``esc10``."""
FOLDS = ("1", "2", "3", "4", "5")
"""Names of the five folds in the ``fold`` column of ``esc50.csv``."""


def read_layout(folder: Path, esc10: bool) -> Layout:
    """Return the recordings of ESC-50 in ``folder``, or only those of ESC-10, with the columns of ``esc50.csv``.

    Raises :class:`DataError` if the list or a required column is missing, or if none of the audio files exists. Also
    raises :class:`DataError` if a recording is listed twice, has no valid fold, or has a fold that contradicts its
    file name.
    """
    meta, audio = folder / "meta" / "esc50.csv", folder / "audio"
    for path, exists in ((meta, meta.is_file()), (audio, audio.is_dir())):
        if not exists:
            raise DataError(
                f"{path}: does not exist; --data takes ESC-50's folder as distributed, with meta/esc50.csv and audio/"
            )
    listed = read_manifest(meta, ("filename",))
    _check(listed, meta, (*NEEDED, "esc10") if esc10 else NEEDED)
    audio_files = Files({path.name: path for path in sorted(audio.iterdir())})
    names = [
        Entry(Path(entry.path.name), extra={**entry.extra, "fold": entry.extra["fold"].strip()}) for entry in listed
    ]
    layout = lay_out(names, audio_files, audio, AUDIO_SUFFIXES, "meta/esc50.csv")
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
                    f"{meta}, line {line}, column `{column}`: missing or empty; use the list as distributed"
                )
        # File names have the form FOLD-SOURCE-TAKE-CLASS.
        named, fold = re.match(r"(\d+)-", name), entry.extra["fold"].strip()
        if fold not in FOLDS:
            raise DataError(f"{meta}, line {line}: {name} is in fold '{fold}'; the folds are {', '.join(FOLDS)}")
        if named and named[1] != fold:
            raise DataError(
                f"{meta}, line {line}: {name} belongs to fold {named[1]} by its name, but is listed in fold {fold}; "
                "use the list as distributed"
            )
        if name in seen:
            raise DataError(f"{meta}, line {line}: {name} is listed twice; use the list as distributed")
        seen.add(name)


def deal_sources(entries: Sequence[Entry], parts: int) -> list[Entry]:
    """Return the entries with new folds 1 to ``parts``, keeping all recordings of a source in one fold, as in ESC-50.

    A source is an original recording from which one or more recordings of the data set were extracted. The sources of
    each class are assigned in order of decreasing size (sources of equal size in a fixed random order) to the fold with
    the fewest recordings of the class. Recordings of a class with fewer sources than folds get an error.

    Raises :class:`DataError` if a source is unknown.
    """
    rng = np.random.default_rng(0)
    part = dict[tuple[str, str], int]()
    short = dict[str, int]()
    for label in sorted({entry.extra["category"] for entry in entries}):
        counts = Counter(_source(entry) for entry in entries if entry.extra["category"] == label and not entry.error)
        if len(counts) < parts:
            short[label] = len(counts)
            continue
        sizes = [0] * parts
        sources = rng.permutation(sorted(counts)).tolist()
        for source in sorted(sources, key=lambda source: -counts[source]):
            smallest = sizes.index(min(sizes))
            part[label, source] = smallest + 1
            sizes[smallest] += counts[source]
    return [_assigned(entry, part.get((entry.extra["category"], _source(entry)), 0), short, parts) for entry in entries]


def _assigned(entry: Entry, part: int, short: dict[str, int], parts: int) -> Entry:
    label = entry.extra["category"]
    error = (
        f"class '{label}' has only {short[label]} of the {parts} sources needed in this fold" if label in short else ""
    )
    return replace(entry, extra={**entry.extra, "fold": str(part)}, error=entry.error or error)


def _source(entry: Entry) -> str:
    """Return the name of the source of a recording: the ``src_file`` column, else the second part of the file name."""
    words = entry.path.stem.split("-")
    source = entry.extra.get("src_file", "").strip() or (words[1] if len(words) == 4 else "")
    if not source:
        raise DataError(
            f"{entry.path}: its source is given neither by `src_file` nor by its name, FOLD-SOURCE-TAKE-CLASS; use the "
            "list as distributed"
        )
    return source
