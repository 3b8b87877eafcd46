"""A process that looks into files for another, which outlives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from threading import Timer

from avgdt.data.entry import Entry
from avgdt.data.fingerprint import fingerprint
from avgdt.data.inspection import failure, from_json
from avgdt.media.errors import Crashed, TimedOut
from avgdt.processes import stopping_blocked

COMMAND = (sys.executable, "-m", "avgdt.data.inspection")


class Prober:
    """A process that looks into files, started anew whenever it dies."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def probe(self, path: Path) -> Entry:
        """The entry of a file, or ``TimedOut`` or ``Crashed`` in it."""
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
        code = process.wait()  # its output has ended, so it is ending too
        self.close()
        if expired:
            return _fingerprinted(failure(path, TimedOut(path, f"decoding did not end within {self._seconds:g} s")))
        return _fingerprinted(failure(path, Crashed(path, f"the decoder's process ended with {_cause(code)}")))

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            with stopping_blocked():  # for good: a file of which a signal ended the inspection is not broken
                self._process = subprocess.Popen(
                    COMMAND,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    encoding="ascii",
                    process_group=0,  # Ctrl-C is for this process, which ends those that it started
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                )
        return self._process

    def kill(self) -> None:
        """End the process under the hands of whoever waits for its answer, who is told that it crashed."""
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):  # of what was not read any more
                        pipe.close()
            self._process = None


def _fingerprinted(entry: Entry) -> Entry:
    """The entry with its file's fingerprint, without which nobody knows whether it still holds."""
    if entry.size is not None:
        return entry
    try:
        return replace(entry, **asdict(fingerprint(entry.path)))
    except OSError:
        return entry


def _cause(code: int) -> str:
    """A process' exit code in words."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"
