"""Selection of the recordings of a run: training set, held-out set, and skipped recordings with reasons."""

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
from avgdt.data.errors import DataError, ManifestError, NotText
from avgdt.data.manifest import Entry, read_manifest
from avgdt.data.scan import Counts, scan, scan_missing
from avgdt.data.splits import (
    SplitSpan,
    check_no_leakage,
    check_split_names,
    file_indices,
    recording_indices,
    split_counts,
    split_name,
    split_of,
)
from avgdt.data.windows import Seconds, segment, unfit
from avgdt.recipes.clip import Clip
from avgdt.recipes.recipe import Data

Progress = Callable[[int, int], None]
LISTS = (".csv", ".tsv", ".txt", ".xls", ".xlsx", ".ods")
"""Suffixes of files that are always treated as manifests, even if their format cannot be read."""


@dataclass(frozen=True)
class Skipped:
    """A recording or segment that a run does not use, with the reason."""

    path: Path
    """Path of the media file."""
    reason: str
    """Reason why the recording is not used."""


@dataclass(frozen=True)
class Selection:
    """The recordings of a run, or their segments if the manifest has segments."""

    train: tuple[Entry, ...]
    """Training set."""
    held_out: tuple[Entry, ...]
    """Held-out set, on which retrieval is measured during training."""
    skipped: tuple[Skipped, ...]
    """Unusable recordings and rows without a split, each with the reason."""
    duplicates: int = 0
    """Number of omitted rows with the same file and segment as an earlier row."""
    other_splits: tuple[str, ...] = ()
    """Split of each row that belongs neither to a training split nor to the held-out split."""


def list_recordings(
    path: Path,
    workers: int,
    progress: Progress | None = None,
    exclude: Sequence[Path] = (),
    previous: Iterable[Entry] = (),
    partial: Path | None = None,
    on_counts: Callable[[Counts], None] = lambda counts: None,
) -> list[Entry]:
    """Return the entries of a manifest, a folder or a single media file; inspect the files that are new or changed.

    If ``path`` is a folder, its files in ``exclude`` are omitted. For the other arguments, see
    :func:`avgdt.data.scan.scan_missing`. Raises :class:`DataError` if there are no recordings.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; --data takes a folder of recordings or a manifest (csv)")
    if path.is_dir():
        entries = scan(
            path, workers, progress, exclude=exclude, previous=previous, partial=partial, on_counts=on_counts
        )
    else:
        listed = _listed(path)
        entries = scan_missing(listed, workers, progress, previous=previous, partial=partial, on_counts=on_counts)
        _check_files_exist(path, entries)
    if not entries:
        raise DataError(f"{path}: contains no recordings; give a folder of media files, or a manifest with rows")
    check_split_names(entries)
    return entries


def _listed(path: Path) -> list[Entry]:
    """Return the rows of a manifest, or one entry for a media file."""
    try:
        return read_manifest(path)
    except ManifestError as error:
        kind = (guess_type(path.name)[0] or "").partition("/")[0]
        if kind in ("video", "audio", "image") or (isinstance(error, NotText) and path.suffix.lower() not in LISTS):
            return [Entry(path)]
        raise


def _check_files_exist(path: Path, entries: Sequence[Entry]) -> None:
    """Raise :class:`DataError` if none of the files of a manifest exists; the message names the first file."""
    if entries and not any(entry.path.exists() for entry in entries):
        first = entries[0].path
        below = os.path.relpath(first, path.parent)
        remedy = "paths are relative to the folder of the list, or absolute"
        if os.path.lexists(below):
            remedy = f"{below} exists in the current folder: move the list here, or write absolute paths"
        elif os.name != "nt" and (match := re.search(r"(?:^|/)([A-Za-z]:/.*)|^//", str(first))):
            remedy = f"{match[1] or first} is a Windows path; write paths relative to the folder of the list"
        raise DataError(f"{path}: none of its {len(entries)} files exists; the first is {first.absolute()}; {remedy}")


def select(entries: Sequence[Entry], data: Data, composition: Composition, clip: Clip, source: Path) -> Selection:
    """Divide the entries into training set, held-out set and skipped recordings; make their paths absolute.

    Raises :class:`DataError` if no entry is usable for training, with the most frequent reason in the message, or if
    segments of the training set and the held-out set overlap in one recording.
    """
    if not entries:
        raise DataError(f"{source}: contains no recordings; give a folder of media files, or a manifest with rows")
    entries = [replace(entry, path=entry.path.absolute()) for entry in entries]
    reasons = [unfit(entry, composition, clip) for entry in entries]
    skipped = tuple(Skipped(e.path, reason) for e, reason in zip(entries, reasons, strict=True) if reason)
    usable = [entry for entry, reason in zip(entries, reasons, strict=True) if not reason]
    if not usable:
        raise DataError(
            f"{source}: none of {len(entries)} files can be used for training; most often: "
            f"{_most_frequent([row.reason for row in skipped])}. `avgdt scan` lists every file"
        )
    if any("split" in entry.extra for entry in entries):
        train, held_out = _by_split(entries, reasons, data, source)
        skipped += tuple(Skipped(entry.path, "its row has no split") for entry in usable if not split_of(entry))
    else:
        train, held_out = _at_random(usable, data.held_out_at_most)
    train_once, held_out_once = _without_duplicates(train), _without_duplicates(held_out)
    duplicates = len(train) + len(held_out) - len(train_once) - len(held_out_once)
    used = {split_name(name) for name in (*data.splits, data.held_out)}
    others = tuple(split_of(entry) for entry in entries if split_of(entry) and split_of(entry) not in used)
    return Selection(tuple(train_once), tuple(held_out_once[: data.held_out_at_most]), skipped, duplicates, others)


def _by_split(
    entries: Sequence[Entry], reasons: Sequence[str], data: Data, source: Path
) -> tuple[list[Entry], list[Entry]]:
    """Divide the usable entries (those with an empty reason) into training and held-out set by the ``split`` column."""
    names, held_out_name = {split_name(name) for name in data.splits}, split_name(data.held_out)
    usable = [entry for entry, reason in zip(entries, reasons, strict=True) if not reason]
    train = [entry for entry in usable if split_of(entry) in names]
    held_out = [entry for entry in usable if split_of(entry) == held_out_name and data.held_out_at_most]
    if not train:
        quoted = " or ".join(f"'{name}'" for name in data.splits)
        unusable = [reason for entry, reason in zip(entries, reasons, strict=True) if split_of(entry) in names]
        if unusable:
            raise DataError(
                f"{source}: none of the {len(unusable)} rows with split {quoted} can be used for training; most often: "
                f"{_most_frequent(unusable)}"
            )
        present = split_counts([split_of(entry) for entry in entries if split_of(entry)]) or "no split in any row"
        raise DataError(
            f"{source}: no row has split {quoted}; the `split` column has: {present}; name the splits to train on with "
            "--data.splits"
        )
    if held_out_name in names:
        raise DataError(
            f"data.held_out: split {data.held_out!r} is also in data.splits; name another split with "
            "--data.held-out, or '' for none"
        )
    parts = ((" ".join(data.splits), train), (data.held_out, held_out))
    check_no_leakage([SplitSpan(entry, name, segment(entry)) for name, rows in parts for entry in rows])
    return train, held_out


def _at_random(usable: Sequence[Entry], at_most: int) -> tuple[list[Entry], list[Entry]]:
    """Divide entries at random; hold out a tenth of the recordings, but at most ``at_most`` recordings."""
    indices = recording_indices(usable)
    recordings = list(dict.fromkeys(indices))
    # The seed is fixed, so that the held-out recordings are the same in every run on the same files.
    order = np.random.default_rng(0).permutation(len(recordings))
    held_out = {recordings[position] for position in order[: min(at_most, len(recordings) // 10)]}
    train = [entry for entry, index in zip(usable, indices, strict=True) if index not in held_out]
    return train, [entry for entry, index in zip(usable, indices, strict=True) if index in held_out]


def _without_duplicates(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries without duplicates: the first entry of each file and segment."""
    first = dict[tuple[int, Seconds | None], Entry]()
    for index, entry in zip(file_indices(entry.path for entry in entries), entries, strict=True):
        first.setdefault((index, segment(entry)), entry)
    return list(first.values())


def _most_frequent(reasons: Sequence[str]) -> str:
    return max(reasons, key=reasons.count)


def format_count(entries: Sequence[Entry]) -> str:
    """Format the number of recordings, and the number of segments if it differs, for messages."""
    files = len(set(file_indices(entry.path for entry in entries)))
    return f"{files} recordings" if files == len(entries) else f"{len(entries)} segments of {files} recordings"


def write_skipped(skipped: Sequence[Skipped], path: Path) -> None:
    """Write the skipped recordings and their reasons as a CSV file."""
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "reason"])
        writer.writerows([str(entry.path), entry.reason] for entry in skipped)


def read_skipped(path: Path) -> list[Skipped]:
    """Read the skipped recordings that :func:`write_skipped` wrote."""
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return [Skipped(Path(row["path"]), row["reason"]) for row in csv.DictReader(file)]
