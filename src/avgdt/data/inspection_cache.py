"""Results of earlier inspections of media files, which remain valid while the files are unchanged."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from avgdt.data.errors import ManifestError
from avgdt.data.manifest import Entry, read_manifest, write_manifest
from avgdt.media.errors import Crashed, TimedOut

TRANSIENT = (TimedOut.__name__, Crashed.__name__)
"""Errors of an inspection that may not occur again, for example on a less busy machine."""
SAVE_SECONDS = 30.0
"""Minimum interval at which the results of a running scan are saved, in seconds."""
NOTE = "note"
"""Extra column with a note of the inspection: why a stream is not used, or that the audio is silent throughout."""


class InspectionCache:
    """Cache of inspection results, each valid while its file is unchanged; it is saved so that scans can be resumed."""

    def __init__(self, previous: Iterable[Entry] = (), partial: Path | None = None) -> None:
        """Load ``previous`` entries, and the entries that an earlier scan saved to ``partial``, if readable.

        Entries of ``partial`` whose inspection timed out or crashed are not used: on another attempt it may succeed.
        """
        self._previous = {os.path.abspath(entry.path): entry for entry in previous}
        self._partial = partial
        self._inspected = dict[str, Entry]()
        if partial is not None and partial.exists():
            with suppress(ManifestError):
                saved = [entry for entry in read_manifest(partial) if not entry.error.startswith(TRANSIENT)]
                self._inspected = {os.path.abspath(entry.path): entry for entry in saved}
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
