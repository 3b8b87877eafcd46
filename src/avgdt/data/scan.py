"""Every file of a folder looked into, each in bounded time, by processes that a hostile file may bring down."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from avgdt.data.entry import Entry
from avgdt.data.findings import Counts, Findings, filled
from avgdt.data.inspection import failure
from avgdt.data.inspector import Prober
from avgdt.media.errors import NotAFile

SECONDS_A_FILE = 30.0

Progress = Callable[[int, int], None]


def scan(
    folder: Path,
    workers: int | None = None,
    progress: Progress | None = None,
    seconds: float = SECONDS_A_FILE,
    exclude: Collection[Path] = (),
    known: Iterable[Entry] = (),
    keep: Path | None = None,
    counted: Callable[[Counts], None] = lambda counts: None,
) -> list[Entry]:
    """An entry for every file below ``folder``, by content, in the order of their paths.

    Args:
        folder: searched with all its subfolders, also behind links.
        workers: processes; by default one per processor.
        progress: called with the files done and the files to inspect.
        seconds: after which a file is given up.
        exclude: files left out, such as the manifest that is being written.
        known: rows of an earlier manifest: files that have not changed since are not inspected again, and all rows of
            a file stay, with their other columns.
        keep: as in :func:`scan_missing`.
        counted: as in :func:`scan_missing`.

    Raises ``NotAFile`` if there is no such folder.
    """
    if not folder.is_dir():
        raise NotAFile(folder, "no such folder")
    left_out = {path.absolute() for path in exclude}
    files, unread = files_below(folder)
    rows = dict[str, list[Entry]]()
    for entry in known:
        rows.setdefault(os.path.abspath(entry.path), []).append(entry)
    listed = [
        replace(row, path=file) if row.size is not None else Entry(file, extra=row.extra)
        for file in files
        if file.absolute() not in left_out
        for row in rows.get(os.path.abspath(file), [Entry(file)])
    ]
    entries = scan_missing(listed, workers, progress, seconds, keep=keep, counted=counted)
    return sorted([*entries, *unread], key=lambda entry: str(entry.path))


def scan_missing(
    entries: Iterable[Entry],
    workers: int | None = None,
    progress: Progress | None = None,
    seconds: float = SECONDS_A_FILE,
    known: Iterable[Entry] = (),
    keep: Path | None = None,
    counted: Callable[[Counts], None] = lambda counts: None,
) -> list[Entry]:
    """The entries, in their order, all of them inspected; their other columns stay.

    An entry is trusted where the file's size and time of change are those it had when it was inspected; where they
    differ, or the entry does not tell them, the file is inspected (again).

    Args:
        entries: rows of a manifest, or files of which nothing is known.
        workers: processes; by default one per processor.
        progress: called with the files done and the files to inspect.
        seconds: after which a file is given up.
        known: other entries, that tell of some of the files.
        keep: a manifest of what was inspected so far, written every half minute and at any end, also at Ctrl-C; the
            next call with the same one goes on from there. It is the caller's to delete once all is done.
        counted: told before the inspection how many files it is about.
    """
    listed, findings = list(entries), Findings(known, keep)
    found = [findings.of(entry) for entry in listed]
    missing = {os.path.abspath(old.path): old for old, new in zip(listed, found, strict=True) if new is None}
    changed = sum(findings.knew(entry) for entry in missing.values())
    files = len({os.path.abspath(entry.path) for entry in listed})
    counted(Counts(len(missing) - changed, changed, files - len(missing)))
    try:
        inspected = _inspect(
            {name: entry.path for name, entry in missing.items()}, workers, progress, seconds, findings.add
        )
    finally:
        findings.write()
    return [
        filled(old, inspected[os.path.abspath(old.path)]) if new is None else new
        for old, new in zip(listed, found, strict=True)
    ]


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


def _inspect(
    paths: Mapping[str, Path],
    workers: int | None,
    progress: Progress | None,
    seconds: float,
    found: Callable[[Entry], None],
) -> dict[str, Entry]:
    """An entry per path; ``found`` is told each as it comes, also those that were done when this is interrupted."""
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

    entries = dict[str, Entry]()

    def take(future: Future[Entry]) -> None:
        name = names.pop(future)
        entries[name] = future.result()
        found(entries[name])

    pool = ThreadPoolExecutor(count)
    names = {pool.submit(one, path): name for name, path in paths.items()}
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
        for prober in probers:
            prober.kill()  # what they are at is not taken any more
        raise
    finally:
        pool.shutdown()
        for prober in probers:
            prober.close()
    return entries
