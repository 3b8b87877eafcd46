"""From what a user points at to the recordings that a run uses, and those it leaves out and why."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avgdt.data.errors import DataError
from avgdt.data.rows import Seconds, Stretch, check_apart, file_numbers, split_name, split_of
from avgdt.data.span import segment, unfit
from avgdt.media.manifest import Entry, read_manifest
from avgdt.media.scan import scan, scan_missing
from avgdt.recipes.clip import Clip
from avgdt.recipes.composition import Composition
from avgdt.recipes.data import Data

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class LeftOut:
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
    left_out: tuple[LeftOut, ...]
    """Not usable."""
    repeated: int = 0
    """Rows that repeat another one of the same file and segment; each is used once."""


def find(path: Path, workers: int, progress: Progress | None = None, exclude: Sequence[Path] = ()) -> list[Entry]:
    """The entries of a manifest, or of all files of a folder, but those in ``exclude``, opened and measured.

    Raises :class:`DataError` where there is nothing.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; --data takes a folder of recordings or a manifest (csv)")
    if path.is_dir():
        entries = list(scan(path, workers, progress, exclude=exclude))
    else:
        entries = list(scan_missing(read_manifest(path), workers, progress))
    if not entries:
        raise DataError(f"{path}: holds no recordings")
    return entries


def collect(entries: Sequence[Entry], data: Data, composition: Composition, clip: Clip, source: Path) -> Collection:
    """Split the entries.

    Raises :class:`DataError` where none can be learnt from, naming the commonest reason, and where a stretch of one
    file is both learnt from and held out.
    """
    if not entries:
        raise DataError(f"{source}: holds no recordings")
    reasons = [unfit(entry, composition, clip) for entry in entries]
    left_out = tuple(LeftOut(e.path, reason) for e, reason in zip(entries, reasons, strict=True) if reason)
    good = [entry for entry, reason in zip(entries, reasons, strict=True) if not reason]
    if not good:
        common = max((r.reason for r in left_out), key=[r.reason for r in left_out].count)
        raise DataError(
            f"{source}: none of {len(entries)} files can be learnt from; most often: {common}. "
            "`avgdt scan` lists every file"
        )
    if any("split" in entry.extra for entry in entries):
        learn, held = _by_split(good, entries, data, source)
    else:
        learn, held = _drawn(good, data.held_out_at_most)
    kept, watched = _each_once(learn), _each_once(held)
    repeated = len(learn) + len(held) - len(kept) - len(watched)
    return Collection(tuple(kept), tuple(watched[: data.held_out_at_most]), left_out, repeated)


def _by_split(
    good: Sequence[Entry], entries: Sequence[Entry], data: Data, source: Path
) -> tuple[list[Entry], list[Entry]]:
    """What is learnt from and what is held out by the column ``split`` of the ``good`` ones of ``entries``."""
    names, held_out = {split_name(name) for name in data.splits}, split_name(data.held_out)
    learn = [entry for entry in good if split_of(entry) in names]
    held = [entry for entry in good if split_of(entry) == held_out and data.held_out_at_most]
    if not learn:
        splits = sorted({entry.extra.get("split", "") for entry in entries})
        raise DataError(
            f"{source}: no usable recording in data.splits {' '.join(data.splits)}; the manifest has {splits}"
        )
    if held_out in names:
        raise DataError(f"data.held_out: split {data.held_out!r} is also in data.splits; name another or ''")
    parts = ((" ".join(data.splits), learn), (data.held_out, held))
    check_apart([Stretch(entry.path, name, segment(entry)) for name, rows in parts for entry in rows])
    return learn, held


def _drawn(good: Sequence[Entry], at_most: int) -> tuple[list[Entry], list[Entry]]:
    """The same where there are no splits: a tenth of the files is held out, all rows of a file together."""
    numbers = file_numbers(entry.path for entry in good)
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


def write_left_out(left_out: Sequence[LeftOut], path: Path) -> None:
    """Write which recordings are not used, and why, as csv."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "reason"])
        writer.writerows([str(entry.path), entry.reason] for entry in left_out)


def read_left_out(path: Path) -> list[LeftOut]:
    """The inverse of :func:`write_left_out`."""
    with path.open(newline="", encoding="utf-8") as file:
        return [LeftOut(Path(row["path"]), row["reason"]) for row in csv.DictReader(file)]
