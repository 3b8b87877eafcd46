"""From what a user points at to the recordings that a run uses, and those it leaves out and why."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from avgdt.data.errors import DataError
from avgdt.data.span import unfit
from avgdt.media.manifest import Entry, read_manifest
from avgdt.media.scan import scan, scan_missing
from avgdt.recipes.clip import Clip
from avgdt.recipes.composition import Composition
from avgdt.recipes.data import Data

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class LeftOut:
    """A recording that is not used."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Collection:
    """The recordings of a run."""

    learn: tuple[Entry, ...]
    """Learnt from."""
    held_out: tuple[Entry, ...]
    """Only watched."""
    left_out: tuple[LeftOut, ...]
    """Not usable."""


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
    """Split the entries, their paths made absolute, so that a run does not depend on the working directory.

    Raises :class:`DataError` where none can be learnt from, naming the commonest reason.
    """
    if not entries:
        raise DataError(f"{source}: holds no recordings")
    entries = [replace(entry, path=entry.path.absolute()) for entry in entries]
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
        splits = sorted({entry.extra.get("split", "") for entry in entries})
        learn = [entry for entry in good if entry.extra.get("split") in data.splits]
        held = [entry for entry in good if entry.extra.get("split") == data.held_out and data.held_out_at_most]
        if not learn:
            raise DataError(
                f"{source}: no usable recording in data.splits {' '.join(data.splits)}; the manifest has {splits}"
            )
        if data.held_out in data.splits:
            raise DataError(f"data.held_out: split {data.held_out!r} is also in data.splits; name another or ''")
    else:
        count = min(data.held_out_at_most, len(good) // 10)
        # By a seed of its own: the held-out recordings are the same in every run on these files.
        drawn = set(np.random.default_rng(0).permutation(len(good))[:count].tolist())
        learn = [entry for i, entry in enumerate(good) if i not in drawn]
        held = [entry for i, entry in enumerate(good) if i in drawn]
    return Collection(tuple(learn), tuple(held[: data.held_out_at_most]), left_out)


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
