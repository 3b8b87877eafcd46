"""From what a user points at to the recordings that a run uses, and those it leaves out and why."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from mimetypes import guess_type
from pathlib import Path

import numpy as np

from avgdt.composition.composition import Composition
from avgdt.data.errors import DataError
from avgdt.data.findings import Counts
from avgdt.data.manifest import Entry, ManifestError, read_manifest
from avgdt.data.rows import (
    Seconds,
    Stretch,
    check_apart,
    check_split_names,
    counted,
    file_numbers,
    recording_numbers,
    split_name,
    split_of,
)
from avgdt.data.scan import scan, scan_missing
from avgdt.data.span import segment, unfit
from avgdt.data.table import NotText
from avgdt.recipes.clip import Clip
from avgdt.recipes.data import Data

Progress = Callable[[int, int], None]
LISTS = (".csv", ".tsv", ".txt", ".xls", ".xlsx", ".ods")
"""Endings of files that are meant as lists, be they ones that cannot be read."""


@dataclass(frozen=True)
class Skipped:
    """A recording, or a segment of one, that is not used."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Collection:
    """The recordings of a run, or the segments of recordings that the rows of its manifest name."""

    learn: tuple[Entry, ...]
    """Learnt from."""
    held_out: tuple[Entry, ...]
    """Only watched."""
    left_out: tuple[Skipped, ...]
    """Not usable."""
    repeated: int = 0
    """Rows that repeat another one of the same file and segment; each is used once."""
    other_splits: tuple[str, ...] = ()
    """The split of each row that is in a split neither learnt from nor held out."""


def find(
    path: Path,
    workers: int,
    progress: Progress | None = None,
    exclude: Sequence[Path] = (),
    known: Iterable[Entry] = (),
    keep: Path | None = None,
    counted: Callable[[Counts], None] = lambda counts: None,
) -> list[Entry]:
    """The entries of a manifest, or of all files of a folder, but those in ``exclude``, opened and measured.

    A single media file is one entry. ``known`` entries of files that have not changed save their inspection. ``keep``
    is a manifest into which is written what was inspected so far, also where this is interrupted; the next call with
    it goes on from there. Delete it once all is done. ``counted`` is told how many files are inspected. Raises
    :class:`DataError` where there is nothing.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; --data takes a folder of recordings or a manifest (csv)")
    if path.is_dir():
        entries = scan(path, workers, progress, exclude=exclude, known=known, keep=keep, counted=counted)
    else:
        listed = _listed(path)
        entries = scan_missing(listed, workers, progress, known=known, keep=keep, counted=counted)
        _check_there(path, entries)
    if not entries:
        raise DataError(f"{path}: holds no recordings")
    check_split_names(entries)
    return entries


def _listed(path: Path) -> list[Entry]:
    """The rows of a manifest; a media file is the one recording of a list."""
    try:
        return read_manifest(path)
    except ManifestError as error:
        kind = (guess_type(path.name)[0] or "").partition("/")[0]
        if kind in ("video", "audio", "image") or (isinstance(error, NotText) and path.suffix.lower() not in LISTS):
            return [Entry(path)]
        raise


def _check_there(path: Path, entries: Sequence[Entry]) -> None:
    """Raise :class:`DataError` where none of a manifest's files is there, naming where one was looked for."""
    if entries and not any(entry.path.exists() for entry in entries):
        first = entries[0].path
        below = os.path.relpath(first, path.parent)
        remedy = "paths are relative to the folder of the list, or absolute"
        if os.path.lexists(below):
            remedy = f"there is a {below} below the current folder: move the list there, or write absolute paths"
        elif os.name != "nt" and (named := re.search(r"(?:^|/)([A-Za-z]:/.*)|^//", str(first))):
            remedy = f"{named[1] or first} is a path of Windows; write paths relative to the folder of the list"
        raise DataError(f"{path}: none of its {len(entries)} files is there; looked for {first.absolute()}; {remedy}")


def collect(entries: Sequence[Entry], data: Data, composition: Composition, clip: Clip, source: Path) -> Collection:
    """Split the entries, their paths made absolute, so that a run does not depend on the working directory.

    Raises :class:`DataError` where none can be learnt from, naming the commonest reason, and where a stretch of one
    file is both learnt from and held out.
    """
    if not entries:
        raise DataError(f"{source}: holds no recordings")
    entries = [replace(entry, path=entry.path.absolute()) for entry in entries]
    reasons = [unfit(entry, composition, clip) for entry in entries]
    left_out = tuple(Skipped(e.path, reason) for e, reason in zip(entries, reasons, strict=True) if reason)
    good = [entry for entry, reason in zip(entries, reasons, strict=True) if not reason]
    if not good:
        common = max((r.reason for r in left_out), key=[r.reason for r in left_out].count)
        raise DataError(
            f"{source}: none of {len(entries)} files can be learnt from; most often: {common}. "
            "`avgdt scan` lists every file"
        )
    if any("split" in entry.extra for entry in entries):
        learn, held = _by_split(entries, reasons, data, source)
        left_out += tuple(Skipped(entry.path, "its row has no split") for entry in good if not split_of(entry))
    else:
        learn, held = _drawn(good, data.held_out_at_most)
    kept, watched = _each_once(learn), _each_once(held)
    repeated = len(learn) + len(held) - len(kept) - len(watched)
    used = {split_name(name) for name in (*data.splits, data.held_out)}
    others = tuple(split_of(entry) for entry in entries if split_of(entry) and split_of(entry) not in used)
    return Collection(tuple(kept), tuple(watched[: data.held_out_at_most]), left_out, repeated, others)


def _by_split(
    entries: Sequence[Entry], reasons: Sequence[str], data: Data, source: Path
) -> tuple[list[Entry], list[Entry]]:
    """What is learnt from and what is held out by the column ``split``, of the entries without a reason not to."""
    names, held_out = {split_name(name) for name in data.splits}, split_name(data.held_out)
    good = [entry for entry, reason in zip(entries, reasons, strict=True) if not reason]
    learn = [entry for entry in good if split_of(entry) in names]
    held = [entry for entry in good if split_of(entry) == held_out and data.held_out_at_most]
    if not learn:
        wanted = " or ".join(f"'{name}'" for name in data.splits)
        unfit = [reason for entry, reason in zip(entries, reasons, strict=True) if split_of(entry) in names]
        if unfit:
            common = max(unfit, key=unfit.count)
            raise DataError(
                f"{source}: none of the {len(unfit)} rows with split {wanted} can be learnt from; most often: {common}"
            )
        found = counted([split_of(entry) for entry in entries if split_of(entry)]) or "no split in any row"
        raise DataError(
            f"{source}: no row has split {wanted}; the column 'split' has: {found}; name those to learn from with "
            "--data.splits"
        )
    if held_out in names:
        raise DataError(
            f"data.held_out: split {data.held_out!r} is also in data.splits; name another with --data.held-out, or '' "
            "for none"
        )
    parts = ((" ".join(data.splits), learn), (data.held_out, held))
    check_apart([Stretch(entry, name, segment(entry)) for name, rows in parts for entry in rows])
    return learn, held


def _drawn(good: Sequence[Entry], at_most: int) -> tuple[list[Entry], list[Entry]]:
    """The same where there are no splits: a tenth of the files is held out, all rows and copies of one together."""
    numbers = recording_numbers(good)
    files = list(dict.fromkeys(numbers))
    # By a seed of its own: the held-out recordings are the same in every run on these files.
    order = np.random.default_rng(0).permutation(len(files))
    drawn = {files[place] for place in order[: min(at_most, len(files) // 10)]}
    learn = [entry for entry, number in zip(good, numbers, strict=True) if number not in drawn]
    return learn, [entry for entry, number in zip(good, numbers, strict=True) if number in drawn]


def _each_once(entries: Sequence[Entry]) -> list[Entry]:
    """The first row of each file and segment."""
    different = dict[tuple[int, Seconds | None], Entry]()
    for number, entry in zip(file_numbers(entry.path for entry in entries), entries, strict=True):
        different.setdefault((number, segment(entry)), entry)
    return list(different.values())


def rows_of_files(entries: Sequence[Entry]) -> str:
    """How many recordings, or segments of how many recordings, in words."""
    files = len(set(file_numbers(entry.path for entry in entries)))
    return f"{files} recordings" if files == len(entries) else f"{len(entries)} segments of {files} recordings"


def write_left_out(left_out: Sequence[Skipped], path: Path) -> None:
    """Write which recordings are not used, and why, as csv."""
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "reason"])
        writer.writerows([str(entry.path), entry.reason] for entry in left_out)


def read_left_out(path: Path) -> list[Skipped]:
    """The inverse of :func:`write_left_out`."""
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return [Skipped(Path(row["path"]), row["reason"]) for row in csv.DictReader(file)]
