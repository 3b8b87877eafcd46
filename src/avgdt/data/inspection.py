"""One file looked into: decodes a little of its beginning and of its end, so that a file called good gives clips.

``python -m avgdt.data.inspection`` serves ``scan``: a path in JSON per line in, an entry in JSON per line out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import av
import av.logging

from avgdt.data.entry import SILENT, Entry
from avgdt.data.fingerprint import fingerprint
from avgdt.media.errors import Corrupt, MediaError, TooLarge, Unreadable
from avgdt.media.recording import Recording

MAX_SECONDS = 7 * 24 * 3600.0
PLACES = (0.0, 0.5, 0.25, 0.75, 1.0)  # where a second of each stream is tried, until one is undamaged
MEMORY_BYTES = 2**33  # of address space, whatever a hostile file makes a decoder ask for


def failure(path: Path, error: MediaError) -> Entry:
    """The entry of a file that gives no clips."""
    return Entry(path=path, error=f"{type(error).__name__}: {error.reason}")


def probe(path: Path) -> Entry:
    """The entry of one file, with the true ends of its streams; never raises for what is wrong with the file.

    A recording of which only the picture or only the sound can be decoded is listed with that alone; the extra column
    ``note`` says why; it also names audio that is silent throughout.
    """
    entry = _probe(path)
    try:
        return replace(entry, **asdict(fingerprint(path)))
    except OSError:
        return entry  # its error says so


def _probe(path: Path) -> Entry:
    try:
        return _look(path)
    except MediaError as error:
        for video, audio in ((False, True), (True, False)):
            try:
                found = _look(path, video, audio)
                notes = [failure(path, error).error, *found.extra.values()]
                return replace(found, extra={"note": "; ".join(notes)})
            except MediaError:
                continue
        return failure(path, error)


def _look(path: Path, video: bool = True, audio: bool = True) -> Entry:
    with Recording(path, video, audio) as recording:
        if not recording.has_video and not recording.has_audio:
            raise Unreadable(path, "it has neither picture nor sound")
        info = recording.info
        video_end, audio_end = recording.true_ends()
        duration = max(end for end in (video_end, audio_end) if end is not None)
        if duration > MAX_SECONDS:
            raise TooLarge(path, f"it says that it lasts {duration / 86400:.0f} days")
        if info.video_start is not None:
            _somewhere(
                lambda at: recording.frames([at + i / 10 for i in range(10)], 36, 64), info.video_start, video_end
            )
        if info.audio_start is not None:
            _somewhere(lambda at: recording.waveform(at, 1.0, 24000), info.audio_start, audio_end)
        entry = Entry.of(replace(info, duration=duration, video_end=video_end, audio_end=audio_end))
        if not recording.has_audio:
            return entry
        silent = recording.silent()
        note = {"note": SILENT} if silent else {}
        return replace(entry, downmix=recording.downmix, silent=silent, extra=note)


def _somewhere(read: Callable[[float], object], start: float, end: float | None) -> None:
    """Read a second at some place of a stream, the first if it is not damaged; raise ``Corrupt`` if all places are."""
    for k, place in enumerate(PLACES, 1):
        try:
            read(start + place * max((end or 0.0) - 1.0 - start, 0.0))
            return
        except Corrupt:
            if k == len(PLACES):
                raise


def to_json(entry: Entry) -> str:
    """An entry in one line of ASCII, whatever bytes its path has."""
    return json.dumps({**asdict(entry), "path": str(entry.path)})


def from_json(line: str) -> Entry:
    """The entry that ``to_json`` wrote."""
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
    """Answer paths until the input ends."""
    _bound_memory()
    av.logging.set_level(av.logging.PANIC)
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # nothing that a library prints may pass for an answer
    for line in sys.stdin:
        path = Path(json.loads(line))
        try:
            entry = probe(path)
        except MemoryError:
            entry = failure(path, TooLarge(path, "decoding it takes too much memory"))
        answers.write(to_json(entry) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
