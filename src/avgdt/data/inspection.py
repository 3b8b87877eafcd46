"""Inspection of media files: properties of their streams, and a check that the streams can be decoded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from threading import Timer
from typing import Any

import av
import av.logging

from avgdt.data.fingerprint import fingerprint
from avgdt.data.manifest import SILENT, Entry
from avgdt.media.errors import Corrupt, Crashed, MediaError, RecordingTooLarge, TimedOut, Unreadable
from avgdt.media.recording import Recording
from avgdt.processes import stopping_blocked

MAX_SECONDS = 7 * 24 * 3600.0
# Relative positions in a stream, tried in this order until one second can be decoded.
POSITIONS = (0.0, 0.5, 0.25, 0.75, 1.0)
MEMORY_BYTES = 2**33  # maximum address space in bytes; a malicious file may make a decoder allocate unlimited memory


def failure(path: Path, error: MediaError) -> Entry:
    """Return the entry of a file that cannot be used because of ``error``."""
    return Entry(path=path, error=f"{type(error).__name__}: {error.reason}")


def inspect(path: Path) -> Entry:
    """Inspect one file and return its entry, with the end times of its decoded streams or with an ``error``.

    If only one stream can be decoded, the entry has only this stream, and its extra column ``note`` gives the reason.
    The note also reports audio that is silent throughout.
    """
    entry = _inspect_usable_streams(path)
    try:
        return replace(entry, **asdict(fingerprint(path)))
    except OSError:
        return entry  # the entry already has an error


def _inspect_usable_streams(path: Path) -> Entry:
    try:
        return _inspect_streams(path)
    except MediaError as error:
        for video, audio in ((False, True), (True, False)):
            try:
                entry = _inspect_streams(path, video, audio)
                notes = [failure(path, error).error, *entry.extra.values()]
                return replace(entry, extra={"note": "; ".join(notes)})
            except MediaError:
                continue
        return failure(path, error)


def _inspect_streams(path: Path, video: bool = True, audio: bool = True) -> Entry:
    with Recording(path, video, audio) as recording:
        if not recording.has_video and not recording.has_audio:
            raise Unreadable(path, "it has neither video nor audio")
        info = recording.info
        video_end, audio_end = recording.true_ends()
        duration = max(end for end in (video_end, audio_end) if end is not None)
        if duration > MAX_SECONDS:
            raise RecordingTooLarge(
                path, f"its duration of {duration / 86400:.0f} days exceeds {MAX_SECONDS / 86400:.0f} days"
            )
        if info.video_start is not None:
            _check_decodable(
                lambda at: recording.frames([at + i / 10 for i in range(10)], 36, 64), info.video_start, video_end
            )
        if info.audio_start is not None:
            _check_decodable(lambda at: recording.waveform(at, 1.0, 24000), info.audio_start, audio_end)
        entry = Entry.of(replace(info, duration=duration, video_end=video_end, audio_end=audio_end))
        if not recording.has_audio:
            return entry
        silent = recording.silent()
        note = {"note": SILENT} if silent else {}
        return replace(entry, downmix=recording.downmix, silent=silent, extra=note)


def _check_decodable(read: Callable[[float], object], start: float, end: float | None) -> None:
    """Decode one second of a stream at each of ``POSITIONS`` until one succeeds; raise ``Corrupt`` if all fail."""
    for k, position in enumerate(POSITIONS, 1):
        try:
            read(start + position * max((end or 0.0) - 1.0 - start, 0.0))
            return
        except Corrupt:
            if k == len(POSITIONS):
                raise


def to_json(entry: Entry) -> str:
    """Return an entry as one line of ASCII JSON; arbitrary bytes in the path are preserved."""
    return json.dumps({**asdict(entry), "path": str(entry.path)})


def from_json(line: str) -> Entry:
    """Return the entry that :func:`to_json` encoded."""
    values: dict[str, Any] = json.loads(line)
    return Entry(**{**values, "path": Path(values["path"])})


def _bound_memory() -> None:
    try:
        import resource  # not on Windows
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def serve() -> None:
    """Inspect the paths on stdin and write their entries to stdout, both as JSON lines, until stdin ends."""
    _bound_memory()
    av.logging.set_level(av.logging.PANIC)
    results = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # the output of libraries must not be mixed with the results
    for line in sys.stdin:
        path = Path(json.loads(line))
        try:
            entry = inspect(path)
        except MemoryError:
            entry = failure(path, RecordingTooLarge(path, "decoding it takes too much memory"))
        results.write(to_json(entry) + "\n")
        results.flush()


COMMAND = (sys.executable, "-m", "avgdt.data.inspection")


class Inspector:
    """A subprocess that inspects files, so that a crash or hang of a decoder does not affect the main process."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def inspect(self, path: Path) -> Entry:
        """Inspect one file and return its entry; a timeout or crash of the subprocess is reported as its ``error``."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            process.kill()

        timer = Timer(self._seconds, expire)
        timer.start()
        try:
            process.stdin.write(json.dumps(str(path)) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if line.endswith("\n"):
            return _fingerprinted(from_json(line))
        code = process.wait()  # this does not block, as the process has closed its output
        self.close()
        if expired:
            return _fingerprinted(failure(path, TimedOut(path, f"decoding did not end within {self._seconds:g} s")))
        return _fingerprinted(failure(path, Crashed(path, f"the decoder's process ended with {_cause(code)}")))

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            with stopping_blocked():  # also in the child, so that a signal is not reported as an error of a file
                self._process = subprocess.Popen(
                    COMMAND,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    encoding="ascii",
                    process_group=0,  # Ctrl-C must reach only the parent, which ends the subprocess
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                )
        return self._process

    def kill(self) -> None:
        """Kill the subprocess; a pending call of :meth:`inspect` returns an entry with the error ``Crashed``."""
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """End the subprocess and close its pipes."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):  # raised if the process did not read its input
                        pipe.close()
            self._process = None


def _fingerprinted(entry: Entry) -> Entry:
    """Return the entry with the fingerprint of its file, by which a later scan detects changes."""
    if entry.size is not None:
        return entry
    try:
        return replace(entry, **asdict(fingerprint(entry.path)))
    except OSError:
        return entry


def _cause(code: int) -> str:
    """Describe the exit code of a process in words, for messages."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"


if __name__ == "__main__":
    serve()
