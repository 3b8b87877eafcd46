"""Relocation of a run's recordings that have been moved; they are identified by relative path and content."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from avgdt.data.errors import DataError
from avgdt.data.fingerprint import fingerprint
from avgdt.data.manifest import Entry, read_manifest

_SAMPLE = 50
"""Number of recordings that are used to determine the new location."""


def relocated(entries: Sequence[Entry], data: Path) -> list[Entry]:
    """Return the entries with the new paths of their files in ``data``, which is a folder or a manifest.

    Raises :class:`DataError`, which names an example, if recordings are missing from ``data`` or have changed.
    """
    if not data.exists():
        raise DataError(f"{data}: no such file or folder; --data takes the new location of the run's recordings")
    old = Path(os.path.commonpath([entry.path.absolute().parent for entry in entries]))
    listed = None if data.is_dir() else [entry.path.absolute() for entry in read_manifest(data)]
    sample = [entry.path.absolute() for entry in entries if not entry.error][:: max(1, len(entries) // _SAMPLE)]
    if listed is None:
        inside = old.is_relative_to(data.absolute()) or old.resolve().is_relative_to(data.resolve())
        unchanged = inside and any(path.exists() for path in sample)
        roots = [data.absolute()]
    else:
        unchanged = not set(sample).isdisjoint(listed)
        folders = [path.parent for path in listed]
        roots = [data.absolute().parent, *([Path(os.path.commonpath(folders))] if folders else [])]
    if unchanged:
        return list(entries)
    # Files of OLD/a/b may now be in NEW or in NEW/b: use the pair of folders in which most files exist.
    pairs = [(before, now) for before in (old, *old.parents) for now in roots]
    before, now = max(pairs, key=lambda pair: sum((pair[1] / path.relative_to(pair[0])).exists() for path in sample))
    paths = [now / entry.path.absolute().relative_to(before) for entry in entries]
    relocated = [_relocate(entry, path) for entry, path in zip(entries, paths, strict=True)]
    missing = [
        path for entry, path, new in zip(entries, paths, relocated, strict=True) if new is None and not entry.error
    ]
    changed = [new for entry, new in zip(entries, relocated, strict=True) if new and _differs(entry, new)]
    if missing or changed:
        example = changed[0].path if changed else missing[0]
        defect = "not the file that the run was started with" if changed else "no such file"
        raise DataError(
            f"{example}: {defect}; of the run's {len(entries)} recordings {len(missing)} are missing from {data} and "
            f"{len(changed)} differ; give --data the folder to which they were moved"
        )
    return [new or replace(entry, path=path) for entry, path, new in zip(entries, paths, relocated, strict=True)]


def _relocate(entry: Entry, path: Path) -> Entry | None:
    """Return the entry with the path, size and content of the file at ``path``; None if the file does not exist."""
    try:
        state = fingerprint(path)
    except OSError:
        return None
    return replace(entry, path=path, size=state.size, modified=state.modified, content=state.content)


def _differs(entry: Entry, new: Entry) -> bool:
    return bool(entry.content) and not entry.error and entry.content != new.content
