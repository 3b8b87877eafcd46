"""Handling of recordings that cannot be read during a run: messages, the list in ``skipped.csv``, and the limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from avgdt.data.batch import Batch, Failure
from avgdt.data.manifest import Entry
from avgdt.data.selection import Skipped, read_skipped, write_skipped
from avgdt.files import naming
from avgdt.training.errors import TooManyFailed

DAMAGED = "damaged: "
"""Prefix of the reason given for a damaged recording in ``skipped.csv``."""
REPORTED_ONE_BY_ONE = 10
"""Number of failures that are reported individually; later failures are combined into fewer reports."""
SECONDS_BETWEEN = 30.0
"""Minimum time, in seconds, between combined reports, each of which covers all failures since the previous report."""


@dataclass(frozen=True)
class ReadResult:
    """Result of reading a batch: which recordings were read, which failed, and which are damaged or silent."""

    read_indices: tuple[int, ...]
    """Indices of the training recordings that were read."""
    failures: tuple[Failure, ...]
    damaged: tuple[Failure, ...]
    clips: int
    """Number of clips with audio."""
    silent: int
    """Number of clips whose audio is digital silence."""

    @classmethod
    def of(cls, batch: Batch) -> ReadResult:
        """Return the result of reading ``batch``."""
        clips, silent = 0, 0
        if batch.audio is not None:
            clips, silent = batch.audio.shape[0] * batch.audio.shape[1], int((batch.audio.abs().amax(-1) < 1).sum())
        return cls(tuple(batch.items.tolist()), batch.failures, batch.damaged, clips, silent)


class Failures:
    """The unreadable recordings of a run; ``skipped.csv`` lists them and the recordings that the scan skipped."""

    def __init__(
        self, recordings: Sequence[Entry], at_most: float, path: Path, on_message: Callable[[str], None]
    ) -> None:
        """Read ``skipped.csv`` at ``path`` if it exists; up to the fraction ``at_most`` of ``recordings`` may fail."""
        self._recordings, self._at_most, self._path, self._on_message = recordings, at_most, path, on_message
        listed = {entry.path: entry for entry in read_skipped(path)} if path.exists() else {}
        self._damaged = {row.path: row for row in listed.values() if row.reason.startswith(DAMAGED)}
        """Rows of ``skipped.csv`` for partly damaged recordings, by path."""
        listed = {path: row for path, row in listed.items() if path not in self._damaged}
        rows = ((index, listed.pop(entry.path, None)) for index, entry in enumerate(recordings))
        self._failing = {index: row for index, row in rows if row is not None}
        """Rows of ``skipped.csv`` for recordings that could not be read at the last attempt, by index."""
        self._failed_in_session = set[int]()
        """Indices of the recordings that could not be read at the last attempt in this session."""
        self._skipped = listed
        """Rows of ``skipped.csv`` for recordings that the scan skipped and for unreadable held-out recordings, by
        path."""
        self._held_out = set[Path]()
        self._reported, self._pending, self._last = 0, 0, 0.0
        self.clips, self.silent = 0, 0
        """Number of clips with audio that were read, and number of these clips whose audio is digital silence."""

    @property
    def count(self) -> int:
        """Number of recordings, including held-out ones, that are damaged or could not be read at the last attempt."""
        return len({row.path for row in self._failing.values()} | self._held_out | self._damaged.keys())

    def update(self, result: ReadResult) -> None:
        """Record the result of reading a batch. Raises :class:`TooManyFailed` if more than the allowed fraction of the
        recordings failed in this session."""
        self.clips, self.silent = self.clips + result.clips, self.silent + result.silent
        read = result.read_indices
        changed = [self._failing.pop(index) for index in read if index in self._failing]
        self._failed_in_session.difference_update(read)
        for failure in result.failures:
            row = Skipped(self._recordings[failure.item].path, failure.reason)
            if failure.item not in self._failing:
                changed.append(row)
                if row.path not in self._damaged:  # already reported
                    self._report(f"skipped, cannot be read: {failure.reason}")
            self._failing[failure.item] = row
            self._failed_in_session.add(failure.item)
        for failure in (*result.failures, *result.damaged):
            path = self._recordings[failure.item].path
            if failure.damaged and path not in self._damaged:
                row = self._damaged[path] = Skipped(path, f"{DAMAGED}{failure.reason}")
                changed.append(row)
                if failure in result.damaged:
                    self._report(f"partly damaged; only clips from the intact parts are used: {failure.reason}")
        if changed:
            self._write()
        count = len(self._failed_in_session)
        if result.failures and count > self._at_most * len(self._recordings):
            raise TooManyFailed(
                f"{count} of {len(self._recordings)} recordings could not be read, more than the fraction of "
                f"{self._at_most:g} that data.failing_at_most allows; the last failure: "
                f"{result.failures[-1].reason}; see {self._path}"
            )

    def held_out(self, path: Path, reason: str) -> None:
        """Record that the held-out recording at ``path`` cannot be read, for the given reason."""
        if path not in self._held_out:
            self._held_out.add(path)
            self._report(f"skipped, cannot be read: {reason}")
        self._skipped[path] = Skipped(path, reason)
        self._write()

    def _report(self, line: str) -> None:
        self._pending += 1
        now = time.monotonic()
        if self._reported < REPORTED_ONE_BY_ONE or now - self._last > SECONDS_BETWEEN:
            more = f" (and {self._pending - 1} more since the last report)" if self._pending > 1 else ""
            self._on_message(f"{line}{more}")
            self._reported, self._pending, self._last = self._reported + 1, 0, now

    def _write(self) -> None:
        failing = (row for row in self._failing.values() if row.path not in self._damaged)
        rows = {(row.path, row.reason): row for row in (*self._skipped.values(), *self._damaged.values(), *failing)}
        temporary = self._path.with_name(f".{self._path.name}.partial")
        with naming(self._path, "free some disk space"):
            write_skipped(list(rows.values()), temporary)
            temporary.replace(self._path)
