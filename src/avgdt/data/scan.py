"""Scanning of folders: files are inspected in subprocesses with a time limit, as a damaged file may crash a decoder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

from avgdt.data.errors import ManifestError
from avgdt.data.inspection import Inspector, failure
from avgdt.data.manifest import Entry, read_manifest, write_manifest
from avgdt.media.errors import NotAFile
from avgdt.processes import usable_cores

SECONDS_A_FILE = 30.0
"""Time limit for the inspection of one file, in seconds."""
SAVE_SECONDS = 30.0
"""Minimum interval at which the results of a running scan are saved, in seconds."""
NOTE = "note"
"""Extra column for notes of an inspection: why a stream is not used, or that the audio is silent throughout."""

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
    the current size and modification time of the file. Extra columns are retained.

    Args:
        entries: Rows of a manifest, or files that were never inspected.
        workers: Number of processes; by default one per usable processor core.
        progress: Function called with the number of inspected files and the number of files to inspect.
        seconds: Time limit for one file, in seconds.
        previous: Entries with earlier results for some of the files.
        partial: Manifest to which results are saved about every 30 seconds and at the end, even after Ctrl-C. The next
            call with the same manifest resumes the scan. The caller deletes the manifest after the last call.
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

    entries = dict[str, Entry]()

    def take(future: Future[Entry]) -> None:
        name = names.pop(future)
        entries[name] = future.result()
        on_result(entries[name])

    pool = ThreadPoolExecutor(count)
    names = {pool.submit(inspect_one, path): name for name, path in paths.items()}
    try:
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


class InspectionCache:
    """Cache of inspection results, each valid while its file is unchanged; it is saved so that scans can be resumed."""

    def __init__(self, previous: Iterable[Entry] = (), partial: Path | None = None) -> None:
        """Load ``previous`` entries, and the entries that an interrupted scan saved to ``partial``, if readable."""
        self._previous = {os.path.abspath(entry.path): entry for entry in previous}
        self._partial = partial
        self._inspected = dict[str, Entry]()
        if partial is not None and partial.exists():
            with suppress(ManifestError):
                self._inspected = {os.path.abspath(entry.path): entry for entry in read_manifest(partial)}
        self._unsaved = False
        self._next_save = time.monotonic() + SAVE_SECONDS

    def look_up(self, entry: Entry) -> Entry | None:
        """Return ``entry`` completed with an earlier result for its file; ``None`` if the file must be inspected."""
        if entry.error and entry.size is None and not (entry.error.startswith("NotAFile") and entry.path.is_file()):
            return entry  # the error comes from the lists of a data set, or the file is still missing
        try:
            state = os.stat(entry.path)
        except OSError:
            return None
        for result in self._results(entry):
            if result.scanned and (result.size, result.modified) == (state.st_size, state.st_mtime_ns):
                return entry if result is entry else completed(entry, result)
        return None

    def inspected_before(self, entry: Entry) -> bool:
        """Return whether the file of ``entry`` was inspected before, even if it has changed since."""
        return any(result.scanned for result in self._results(entry))

    def _results(self, entry: Entry) -> list[Entry]:
        name = os.path.abspath(entry.path)
        return [entry, *(entries[name] for entries in (self._inspected, self._previous) if name in entries)]

    def add(self, entry: Entry) -> None:
        """Add the result of an inspection, and save all results if the interval between saves has passed."""
        self._inspected[os.path.abspath(entry.path)] = entry
        self._unsaved = True
        if time.monotonic() > self._next_save:
            start = time.monotonic()
            self.save()
            now = time.monotonic()
            self._next_save = now + max(SAVE_SECONDS, 20 * (now - start))

    def save(self) -> None:
        """Write the results to the partial manifest; a failure, such as a full disk, is ignored."""
        if self._partial is not None and self._unsaved:
            with suppress(ManifestError):
                write_manifest(self._inspected.values(), self._partial)
                self._unsaved = False


def unchanged(entry: Entry) -> bool:
    """Return whether a file still has the size and modification time recorded in its entry."""
    try:
        state = os.stat(entry.path)
    except OSError:
        return False
    return (entry.size, entry.modified) == (state.st_size, state.st_mtime_ns)


def completed(entry: Entry, result: Entry) -> Entry:
    """Return ``result`` with the path and the extra columns of ``entry``, without the note of an earlier inspection."""
    extra = {name: cell for name, cell in entry.extra.items() if not (name == NOTE and entry.scanned)}
    notes = {NOTE: result.extra[NOTE]} if result.extra.get(NOTE) else {}
    return replace(result, path=entry.path, extra={**extra, **notes})


def summary(entries: Iterable[Entry]) -> list[tuple[str, str]]:
    """Summarise a scan as rows of a table: usable files by their streams, unusable files by error, and the total.

    The rows of usable files come first, then the rows of errors, each in order of decreasing number of
    files. If there are files whose audio is silent throughout, the row before the total counts them.
    """
    listed = list(entries)
    groups: dict[tuple[bool, str], list[Entry]] = {}
    for entry in listed:
        groups.setdefault((bool(entry.error), _kind(entry)), []).append(entry)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1]))
    rows = [(kind, _example(group) if failed else _amount(group)) for (failed, kind), group in ordered]
    silent = [entry for entry in listed if entry.silent]
    silent_row = [("silent throughout", _example(silent))] if silent else []
    return [*rows, *silent_row, ("all", _amount(listed))]


def _kind(entry: Entry) -> str:
    if entry.error:
        return entry.error.partition(":")[0]
    if not entry.scanned:
        return "not scanned"
    streams = [name for name, has in (("video", entry.has_video), ("audio", entry.has_audio)) if has]
    kind = " and ".join(streams) or "nothing"
    return kind if len(streams) != 1 else f"{kind} only"


def _amount(group: list[Entry]) -> str:
    seconds = sum(entry.duration or 0.0 for entry in group)
    long = f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"
    return f"{_files(group)}, {long}"


def _example(group: list[Entry]) -> str:
    detail = group[0].error.partition(": ")[2]
    return f"{_files(group)}, such as {group[0].path.name}" + (f": {detail}" if detail else "")


def _files(group: list[Entry]) -> str:
    return f"{len(group)} file{'' if len(group) == 1 else 's'}"
