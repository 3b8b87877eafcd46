"""Cache of decoded recordings on disk: each media file is decoded once, when it is first read.

Clips read from the cache are bit-identical to clips decoded from the media file. Files are written atomically, so
that several processes may read and write at the same time. The folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

import avgdt.media
from avgdt.data.manifest import Entry
from avgdt.data.stored_media import Stored, StoredAudio, StoredVideo
from avgdt.files import WriteError, source_digest, write_atomically
from avgdt.media.audio import Waveform
from avgdt.media.errors import MediaError
from avgdt.media.recording import Recording
from avgdt.media.video import Frames
from avgdt.recipes.clip import Clip
from avgdt.recipes.recipe import Data

STALE_SECONDS = 3600.0  # age in seconds above which a temporary file is regarded as left by a killed process
MARGIN = 0.25  # time in seconds stored before and after the audio, for the tails of the resampling filter


@dataclass(frozen=True)
class Store:
    """A folder of decoded recordings, and the limits on adding further recordings to it."""

    folder: Path
    """Folder of the cached files: one per recording, modality, and frame size or sample rate."""
    gigabytes: float = -1.0
    """Maximum size of the folder, in GB; -1 means half the sum of the free disk space and the current size."""
    seconds: float = 0.0
    """Maximum duration of a stored recording, in seconds; it is the total time that a run reads from each recording."""
    fraction: float = 1.0
    """Fraction of the recordings no longer than ``seconds`` that fit within the size limit, from 0 to 1."""
    spare: int = 0
    """Minimum disk space to keep free, in bytes."""

    def planned(self, entries: Sequence[Entry], clip: Clip, seconds: float, channels: int, rates: int = 1) -> Store:
        """Return a store with limits for a run that reads a total of ``seconds`` from each of ``entries``.

        ``channels`` is the number of channels of a frame (0 for no video), and ``rates`` is the number of sample rates
        (0 for no audio). Raises :class:`StoreError` if the folder cannot be created or read.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free, used = shutil.disk_usage(self.folder).free, _tidy(self.folder)
        except OSError as error:
            raise StoreError(
                f"data.store: {self.folder} cannot be used ({error.strerror}); set it to another folder, or to off"
            ) from None
        budget = self.gigabytes * 1e9 if self.gigabytes >= 0 else (free + used) / 2
        files = {entry.path: entry for entry in entries}.values()
        worth = [entry for entry in files if (entry.duration or math.inf) <= seconds]
        needed = sum(_bytes(entry, clip, channels, rates) for entry in worth)
        return replace(self, seconds=seconds, fraction=min(1.0, budget / max(needed, 1.0)), spare=min(2**30, free // 4))

    def open(self, entry: Entry) -> StoredRecording:
        """Return the recording of a manifest entry, read through the store."""
        return StoredRecording(self, entry)

    def video(self, recording: StoredRecording, height: int, width: int, grey: bool) -> StoredVideo | None:
        """Return all frames of a recording at one size, storing them on first use; ``None`` if they are not stored."""

        def encode() -> bytes | None:
            frames = recording.file.all_frames(height, width, grey)
            return StoredVideo.encode(frames) if bool(np.all(np.diff(frames.stamps) > 0)) else None

        return self._load_or_store(recording, ["video", height, width, grey], StoredVideo.load, encode)

    def audio(self, recording: StoredRecording, sample_rate: int) -> StoredAudio | None:
        """Return the whole waveform of a recording, storing it on first use; ``None`` if it is not stored."""
        entry = recording.entry

        def encode() -> bytes | None:
            if entry.audio_start is None or entry.audio_end is None:
                return None
            start = entry.audio_start - MARGIN
            whole = recording.file.waveform(start, entry.audio_end + MARGIN - start, sample_rate)
            return StoredAudio.encode(whole, sample_rate)

        return self._load_or_store(recording, ["audio", sample_rate, entry.downmix], StoredAudio.load, encode)

    def _load_or_store(
        self,
        recording: StoredRecording,
        settings: Sequence[object],
        load: Callable[[Path], Stored | None],
        encode: Callable[[], bytes | None],
    ) -> Stored | None:
        name = _name(recording.entry, settings)
        if name is None:
            return None
        path = self.folder / name[:2] / f"{settings[0]}-{name}.safetensors"
        stored = load(path)
        if stored is not None or not self._worth_storing(recording.entry, name):
            return stored
        note = path.with_suffix(".damaged")
        if note.exists():
            recording.damage = note.read_text(errors="surrogateescape")
            return None
        try:
            content = encode()
        except MediaError as error:
            # Clips of undamaged parts can still be decoded from the media file.
            recording.damage = str(error)
            self._write(note, recording.damage.encode(errors="surrogateescape"))
            return None
        return load(path) if content is not None and self._write(path, content) else None

    def _worth_storing(self, entry: Entry, name: str) -> bool:
        longer = entry.duration is None or entry.duration > self.seconds
        return not longer and int(name[:8], 16) < self.fraction * 2**32

    def _write(self, path: Path, content: bytes) -> bool:
        """Write a file; return False if the disk is full or nearly full, or if the file cannot be written."""
        try:
            self.folder.mkdir(exist_ok=True)  # without parents: a deleted run folder must not be created again
            if shutil.disk_usage(self.folder).free - len(content) < self.spare:
                return False
            write_atomically(path, lambda file: file.write(content), parents=False)
        except (OSError, WriteError):
            return False
        return True


class StoreError(WriteError):
    """Raised if a store folder cannot be used."""


class StoredRecording:
    """A recording read through the store: stored frames and samples are read from disk, all others are decoded."""

    def __init__(self, store: Store, entry: Entry) -> None:
        self.entry = entry
        self.damage = ""
        """Reason why the recording cannot be decoded completely; empty if no damage is known."""
        self._store = store

    def frames(self, times: Sequence[float], height: int, width: int, grey: bool = False) -> Frames:
        """Return the frame on screen at each of ``times``, as :meth:`avgdt.media.recording.Recording.frames` does."""
        stored = self._store.video(self, height, width, grey)
        return self.file.frames(times, height, width, grey) if stored is None else stored.frames(times)

    def waveform(self, start: float, seconds: float, sample_rate: int) -> Waveform:
        """Return the samples of a time span, as :meth:`avgdt.media.recording.Recording.waveform` does."""
        stored = self._store.audio(self, sample_rate)
        if stored is None:
            return self.file.waveform(start, seconds, sample_rate)
        return stored.waveform(start, seconds, sample_rate)

    @cached_property
    def file(self) -> Recording:
        """The media file of the recording, opened on first access."""
        return open_recording(self.entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "file" in self.__dict__:
            self.file.close()


def open_store(data: Data, run: Path) -> Store | None:
    """Return the store of the run in the folder ``run`` as configured in ``data``; ``None`` if the store is off."""
    if data.store == "off":
        return None
    return Store(run / "store" if data.store == "auto" else Path(data.store), data.store_gigabytes)


def _bytes(entry: Entry, clip: Clip, channels: int, rates: int) -> float:
    """Estimate the size of a decoded recording on disk, in bytes."""
    frames = (entry.frame_rate or 0) * clip.height * clip.width * channels
    return (entry.duration or 0) * (frames + 4 * clip.sample_rate * rates)


def _tidy(folder: Path) -> int:
    """Delete abandoned temporary files of a store; return the total size of the other files, in bytes."""
    used = 0
    for path in folder.glob("??/*"):
        state = path.stat()
        if path.suffix == ".partial" and time.time() - state.st_mtime > STALE_SECONDS:
            path.unlink(missing_ok=True)
        else:
            used += state.st_size
    return used


def open_recording(entry: Entry) -> Recording:
    """Open the media file of a manifest entry."""
    return Recording(entry.path, downmix=entry.downmix or "auto")


def _name(entry: Entry, settings: Sequence[object]) -> str | None:
    """Return the cache key of a recording decoded with ``settings``; ``None`` if the file is missing."""
    try:
        path = entry.path.resolve()
        state = path.stat()
    except OSError:
        return None
    decoder = source_digest(Path(avgdt.media.__file__).parent), av.__version__
    key = [*decoder, str(path), state.st_size, state.st_mtime_ns, *settings]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
