"""Scanning of folders: files are inspected in subprocesses with a time limit, as a damaged file may crash a decoder."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

from avgdt.data.inspection import Inspector, failure
from avgdt.data.inspection_cache import TRANSIENT, InspectionCache, completed
from avgdt.data.manifest import Entry
from avgdt.media.errors import NotAFile
from avgdt.processes import usable_cores

SECONDS_A_FILE = 30.0
"""Time limit for the inspection of one file, in seconds."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Counts:
    """Numbers of files to inspect for the first time, to inspect again, and to skip as unchanged."""

    new: int = 0
    """Number of files to inspect for the first time."""
    changed: int = 0
    """Number of files to inspect again, because their size or modification time changed or was not recorded."""
    unchanged: int = 0
    """Number of files that are not inspected, because their earlier results are still valid."""

    def __str__(self) -> str:
        again = f" ({self.changed} of them again)" if self.changed else ""
        return f"{self.new + self.changed} files inspected{again}, {self.unchanged} unchanged"


def scan(
    folder: Path,
    workers: int | None = None,
    progress: Progress | None = None,
    seconds: float = SECONDS_A_FILE,
    exclude: Collection[Path] = (),
    previous: Iterable[Entry] = (),
    partial: Path | None = None,
    on_counts: Callable[[Counts], None] = lambda counts: None,
) -> list[Entry]:
    """Inspect every file below ``folder`` and return the entries, sorted by path.

    Recordings are recognised by content, not by suffix. Raises ``NotAFile`` if ``folder`` is not a folder.

    Args:
        folder: Folder to search, with all subfolders; symbolic links are followed.
        workers: Number of processes; by default one per usable processor core.
        progress: Function called with the number of inspected files and the number of files to inspect.
        seconds: Time limit for one file, in seconds.
        exclude: Files to omit, such as the manifest to write.
        previous: Rows of an earlier manifest. Unchanged files are not inspected again. All rows of a file are retained,
            with their extra columns.
        partial: Manifest of intermediate results, as in :func:`scan_missing`.
        on_counts: Function called with the file counts before the inspection starts.
    """
    if not folder.is_dir():
        raise NotAFile(folder, "no such folder")
    excluded = {path.absolute() for path in exclude}
    files, unreadable = files_below(folder)
    rows = dict[str, list[Entry]]()
    for entry in previous:
        rows.setdefault(os.path.abspath(entry.path), []).append(entry)
    listed = [
        replace(row, path=file) if row.size is not None else Entry(file, extra=row.extra)
        for file in files
        if file.absolute() not in excluded
        for row in rows.get(os.path.abspath(file), [Entry(file)])
    ]
    entries = scan_missing(listed, workers, progress, seconds, partial=partial, on_counts=on_counts)
    return sorted([*entries, *unreadable], key=lambda entry: str(entry.path))


def scan_missing(
    entries: Iterable[Entry],
    workers: int | None = None,
    progress: Progress | None = None,
    seconds: float = SECONDS_A_FILE,
    previous: Iterable[Entry] = (),
    partial: Path | None = None,
    on_counts: Callable[[Counts], None] = lambda counts: None,
) -> list[Entry]:
    """Inspect the files of ``entries`` that are new or changed; return the completed entries in the same order.

    A file is inspected unless its entry, or an entry of ``previous`` or ``partial``, has the result of an inspection at
    the current size and modification time of the file. An inspection that times out or crashes is repeated once. Extra
    columns are retained.

    Args:
        entries: Rows of a manifest, or files that were never inspected.
        workers: Number of processes; by default one per usable processor core.
        progress: Function called with the number of inspected files and the number of files to inspect.
        seconds: Time limit for one file, in seconds.
        previous: Entries with earlier results for some of the files.
        partial: Manifest to which results are saved about every 30 seconds and at the end, even after Ctrl-C. The next
            call with the same manifest resumes the scan. The caller may then delete the manifest, or keep it to avoid
            later inspections.
        on_counts: Function called with the file counts before the inspection starts.
    """
    listed, cache = list(entries), InspectionCache(previous, partial)
    cached = [cache.look_up(entry) for entry in listed]
    missing = {os.path.abspath(old.path): old for old, new in zip(listed, cached, strict=True) if new is None}
    changed = sum(cache.inspected_before(entry) for entry in missing.values())
    files = len({os.path.abspath(entry.path) for entry in listed})
    on_counts(Counts(len(missing) - changed, changed, files - len(missing)))
    try:
        inspected = _inspect_all(
            {name: entry.path for name, entry in missing.items()}, workers, progress, seconds, cache.add
        )
        # The computer may have been busy or suspended.
        again = {name: entry.path for name, entry in inspected.items() if entry.error.startswith(TRANSIENT)}
        inspected |= _inspect_all(again, workers, None, seconds, cache.add) if again else {}
    finally:
        cache.save()
    return [
        completed(old, inspected[os.path.abspath(old.path)]) if new is None else new
        for old, new in zip(listed, cached, strict=True)
    ]


def files_below(folder: Path) -> tuple[list[Path], list[Entry]]:
    """Return the sorted files below a folder and an error entry for each unreadable subfolder; links are followed."""
    files: list[Path] = []
    unreadable: list[Entry] = []
    visited: set[tuple[int, int]] = set()

    def refused(error: OSError) -> None:
        path = Path(error.filename)
        unreadable.append(failure(path, NotAFile(path, f"folder cannot be read ({error.strerror})")))

    for root, folders, names in os.walk(folder, onerror=refused, followlinks=True):
        state = os.stat(root)
        if (state.st_dev, state.st_ino) in visited:  # a link to a folder that was already visited
            folders.clear()
            continue
        visited.add((state.st_dev, state.st_ino))
        files += [Path(root, name) for name in names]
    return sorted(files, key=str), unreadable


def _inspect_all(
    paths: Mapping[str, Path],
    workers: int | None,
    progress: Progress | None,
    seconds: float,
    on_result: Callable[[Entry], None],
) -> dict[str, Entry]:
    """Inspect all paths in parallel; return their entries by name.

    ``on_result`` is called with each completed entry, even if the inspection is interrupted.
    """
    count = max(1, min(workers or usable_cores(), len(paths)))
    idle: SimpleQueue[Inspector] = SimpleQueue()
    inspectors = [Inspector(seconds) for _ in range(count)]
    for inspector in inspectors:
        idle.put(inspector)

    def inspect_one(path: Path) -> Entry:
        inspector = idle.get()
        try:
            return inspector.inspect(path)
        finally:
            idle.put(inspector)

    entries, names = dict[str, Entry](), dict[Future[Entry], str]()

    def take(future: Future[Entry]) -> None:
        name = names.pop(future)
        entries[name] = future.result()
        on_result(entries[name])

    pool = ThreadPoolExecutor(count)
    try:
        for name, path in paths.items():
            names[pool.submit(inspect_one, path)] = name
        for future in as_completed([*names]):
            take(future)
            if progress is not None:
                progress(len(entries), len(paths))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for future in [
            future for future in names if future.done() and not future.cancelled() and not future.exception()
        ]:
            take(future)
        for inspector in inspectors:
            inspector.kill()  # the results of unfinished inspections are not used
        raise
    finally:
        pool.shutdown()
        for inspector in inspectors:
            inspector.close()
    return entries
