"""Results of file inspections, reused while a file has not changed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from avgdt.data.entry import Entry
from avgdt.data.manifest import ManifestError, read_manifest, write_manifest

SECONDS = 30.0
"""Between two times that findings are written."""
NOTE = "note"
"""Extra column of an inspection: why only one of two streams is used."""


@dataclass(frozen=True)
class Counts:
    """Number of files that were inspected, inspected again, and reused."""

    new: int = 0
    """Inspected; nothing was known of them."""
    changed: int = 0
    """Inspected again: size or time of change is not, or not known to be, what it was."""
    unchanged: int = 0
    """Not inspected: what was known is used."""

    def __str__(self) -> str:
        again = f" ({self.changed} of them again)" if self.changed else ""
        return f"{self.new + self.changed} files inspected{again}, {self.unchanged} unchanged"


class Findings:
    """Inspected entries by file, saved to a manifest from which an interrupted scan resumes."""

    def __init__(self, known: Iterable[Entry] = (), keep: Path | None = None) -> None:
        """Begin with what is ``known``, and what an interrupted inspection left in ``keep``, if that can be read."""
        self._known = {_name(entry.path): entry for entry in known}
        self._keep = keep
        self._kept = dict[str, Entry]()
        if keep is not None and keep.exists():
            with suppress(ManifestError):
                self._kept = {_name(entry.path): entry for entry in read_manifest(keep)}
        self._unwritten = False
        self._due = time.monotonic() + SECONDS

    def of(self, entry: Entry) -> Entry | None:
        """``entry`` with what is known of its file as it is now; None where that must be inspected."""
        if entry.error and entry.size is None and not (entry.error.startswith("NotAFile") and entry.path.is_file()):
            return entry  # a list says so, or it is still not there
        try:
            state = os.stat(entry.path)
        except OSError:
            return None
        for known in self._all(entry):
            if known.scanned and (known.size, known.modified) == (state.st_size, state.st_mtime_ns):
                return entry if known is entry else filled(entry, known)
        return None

    def knew(self, entry: Entry) -> bool:
        """Whether the file was inspected at all, in whatever state."""
        return any(known.scanned for known in self._all(entry))

    def _all(self, entry: Entry) -> list[Entry]:
        name = _name(entry.path)
        return [entry, *(entries[name] for entries in (self._kept, self._known) if name in entries)]

    def add(self, entry: Entry) -> None:
        """Take what an inspection found; now and then all of that is written, as far as it can be."""
        self._kept[_name(entry.path)] = entry
        self._unwritten = True
        if time.monotonic() > self._due:
            begun = time.monotonic()
            self.write()
            now = time.monotonic()
            self._due = now + max(SECONDS, 20 * (now - begun))

    def write(self) -> None:
        """Write all that was added, whole or not at all; where it cannot be written, it is inspected another time."""
        if self._keep is not None and self._unwritten:
            with suppress(ManifestError):
                write_manifest(self._kept.values(), self._keep)
                self._unwritten = False


def unchanged(entry: Entry) -> bool:
    """Whether an inspected file still has the size and modification time recorded in its entry."""
    try:
        state = os.stat(entry.path)
    except OSError:
        return False
    return (entry.size, entry.modified) == (state.st_size, state.st_mtime_ns)


def filled(entry: Entry, found: Entry) -> Entry:
    """``entry`` with its path and its own columns, and all else as it was found."""
    own = {name: cell for name, cell in entry.extra.items() if not (name == NOTE and entry.scanned)}
    notes = {NOTE: found.extra[NOTE]} if found.extra.get(NOTE) else {}
    return replace(found, path=entry.path, extra={**own, **notes})


def _name(path: Path) -> str:
    return os.path.abspath(path)
