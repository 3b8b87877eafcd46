"""Kinetics-400 as it is distributed (Kay et al. 2017): lists of clips of videos, and folders of those clips."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from avgdt.data.errors import DataError
from avgdt.data.layout import VIDEOS, Layout, check_some, lay_out
from avgdt.media.entry import Entry
from avgdt.media.findings import Counts
from avgdt.media.manifest import read_manifest
from avgdt.media.scan import files_below, scan_missing

NEEDED = ("time_start", "time_end", "split")
"""Columns of a list beside ``youtube_id``; ``label`` may lack, as it does for test."""
SPLITS = {"validate": "val"}
"""What a split is called here, where it is not as in the list."""


def read_layout(folder: Path, lists: Sequence[Path]) -> Layout:
    """The clips of the lists, each with its ``split`` (train, val or test) and ``label``.

    A clip is ID_START_END with six digits for either second, in a folder of its class or split or in no folder of its
    own: it is found by its name anywhere below ``folder``. Raises :class:`DataError` for a list that cannot be used, a
    clip that is listed or there twice, and a list that names none or of which none is there.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give the one below which the clips of Kinetics-400 are")
    if not lists:
        raise DataError("list: none is given; name train.csv, validate.csv or test.csv, or several of them")
    listed, seen = list[Entry](), dict[str, Path]()
    for path in lists:
        for line, row in enumerate(read_manifest(path, ("youtube_id",)), start=2):
            entry = _clip(row, f"{path}, line {line}")
            if entry.path.name in seen:
                raise DataError(
                    f"{path}, line {line}: {entry.path.stem} is listed before in {seen[entry.path.name]}; "
                    "take the lists as distributed, each once"
                )
            seen[entry.path.name] = path
            listed.append(entry)
    names, by = [entry.path.name for entry in listed], ", ".join(path.name for path in lists)
    layout = lay_out(listed, _below(folder, leave=lists), folder, VIDEOS, by)
    for path in lists:
        own = [entry for entry, name in zip(layout.entries, names, strict=True) if seen[name] == path]
        check_some(own, "clips", folder, path.name)
    return layout


def scan_layout(
    folder: Path,
    lists: Sequence[Path],
    workers: int,
    progress: Callable[[int, int], None] | None = None,
    exclude: Sequence[Path] = (),
    known: Iterable[Entry] = (),
    keep: Path | None = None,
    counted: Callable[[Counts], None] = lambda counts: None,
) -> list[Entry]:
    """The listed clips, opened and measured, and behind them the videos that are not listed, which have an error.

    ``known``, ``keep`` and ``counted`` are those of :func:`avgdt.media.scan.scan_missing`.
    """
    layout = read_layout(folder, lists)
    left_out = {path.absolute() for path in exclude}
    by = ", ".join(path.name for path in lists)
    extra = [Entry(path, error=f"not in {by}") for path in layout.unlisted if path.absolute() not in left_out]
    seen = [entry for entry in known if entry.size is not None]
    return [*scan_missing(layout.entries, workers, progress, known=seen, keep=keep, counted=counted), *extra]


def _clip(row: Entry, where: str) -> Entry:
    """A line of a list, its path the name that the clip should have."""
    cells = {name: row.extra.get(name, "").strip() for name in NEEDED}
    for name, cell in cells.items():
        if not cell:
            raise DataError(f"{where}, column `{name}`: missing or empty; take the list as distributed")
    try:
        start, end = (int(float(cells[name])) for name in ("time_start", "time_end"))
    except (ValueError, OverflowError):
        raise DataError(
            f"{where}: time_start '{cells['time_start']}' and time_end '{cells['time_end']}' must be seconds"
        ) from None
    extra = {"split": SPLITS.get(cells["split"], cells["split"]), "label": row.extra.get("label", "").strip()}
    return replace(row, path=Path(f"{row.path.name}_{start:06d}_{end:06d}{VIDEOS[1]}"), extra=extra)


def _below(folder: Path, leave: Sequence[Path]) -> dict[str, Path]:
    """All files below a folder, also behind links, by name, but the lists."""
    there, left_out = dict[str, Path](), {path.absolute() for path in leave}
    files, unread = files_below(folder)
    if unread:
        raise DataError(f"{unread[0].path}: {unread[0].error}; change its rights")
    for path in files:
        if path.absolute() in left_out:
            continue
        name = path.name
        if name in there and re.fullmatch(r".+_\d{6}_\d{6}", path.stem):
            raise DataError(f"{path}: is also at {there[name]}; move one of them away")
        there[name if name not in there else str(path)] = path
    return there
