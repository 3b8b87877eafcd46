"""Every file of a folder looked into, each in bounded time, by processes that a hostile file may bring down."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from avgdt.media.entry import Entry
from avgdt.media.errors import NotAFile
from avgdt.media.probe import failure
from avgdt.media.prober import Prober

SECONDS_A_FILE = 30.0

Progress = Callable[[int, int], None]


def scan(
    folder: Path,
    workers: int | None = None,
    progress: Progress | None = None,
    seconds: float = SECONDS_A_FILE,
    exclude: Collection[Path] = (),
) -> list[Entry]:
    """An entry for every file below ``folder``, by content, in the order of their paths.

    Args:
        folder: searched with all its subfolders, also behind links.
        workers: processes; by default one per processor.
        progress: called with the files done and the files in all.
        seconds: after which a file is given up.
        exclude: files left out, such as the manifest that is being written.

    Raises ``NotAFile`` if there is no such folder.
    """
    if not folder.is_dir():
        raise NotAFile(folder, "no such folder")
    left_out = {path.absolute() for path in exclude}
    files, unread = files_below(folder)
    entries = _probe_all([file for file in files if file.absolute() not in left_out], workers, progress, seconds)
    return sorted([*entries, *unread], key=lambda entry: str(entry.path))


def scan_missing(
    entries: Iterable[Entry],
    workers: int | None = None,
    progress: Progress | None = None,
    seconds: float = SECONDS_A_FILE,
) -> list[Entry]:
    """The entries, in their order, those not looked into yet filled in; their other columns stay."""
    listed = list(entries)
    missing = [entry for entry in listed if not entry.scanned]
    found = _probe_all([entry.path for entry in missing], workers, progress, seconds)
    by_path = {id(old): replace(new, extra={**old.extra, **new.extra}) for old, new in zip(missing, found, strict=True)}
    return [by_path.get(id(entry), entry) for entry in listed]


def files_below(folder: Path) -> tuple[list[Path], list[Entry]]:
    """All files below a folder, also behind links, sorted, and entries for the subfolders that may not be read."""
    files: list[Path] = []
    unread: list[Entry] = []
    seen: set[tuple[int, int]] = set()

    def refused(error: OSError) -> None:
        path = Path(error.filename)
        unread.append(failure(path, NotAFile(path, f"folder cannot be read ({error.strerror})")))

    for root, folders, names in os.walk(folder, onerror=refused, followlinks=True):
        state = os.stat(root)
        if (state.st_dev, state.st_ino) in seen:  # a link back to a folder above
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        files += [Path(root, name) for name in names]
    return sorted(files, key=str), unread


def _probe_all(paths: Sequence[Path], workers: int | None, progress: Progress | None, seconds: float) -> list[Entry]:
    """An entry per path, in order."""
    count = max(1, min(workers or os.cpu_count() or 1, len(paths)))
    idle: SimpleQueue[Prober] = SimpleQueue()
    probers = [Prober(seconds) for _ in range(count)]
    for prober in probers:
        idle.put(prober)

    def one(path: Path) -> Entry:
        prober = idle.get()
        try:
            return prober.probe(path)
        finally:
            idle.put(prober)

    entries: list[Entry] = []
    try:
        with ThreadPoolExecutor(count) as pool:
            for entry in pool.map(one, paths):
                entries.append(entry)
                if progress is not None:
                    progress(len(entries), len(paths))
    finally:
        for prober in probers:
            prober.close()
    return entries
