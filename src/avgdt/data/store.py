"""A cache of decoded recordings on disk: each file is decoded once, when it is first read.

Clips cut from it have the bits of clips decoded from the recording. Every file appears whole or not at all, several
processes may read and write at once, and the folder may be deleted at any time.
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
from typing import Self, TypeVar

import av
import numpy as np

import avgdt.media
from avgdt.data.manifest import Entry
from avgdt.data.stored import StoredAudio, StoredVideo
from avgdt.files import WriteError, source_digest, write_atomically
from avgdt.media.errors import MediaError
from avgdt.media.picture import Frames
from avgdt.media.recording import Recording
from avgdt.media.sound import Waveform
from avgdt.recipes.clip import Clip
from avgdt.recipes.recipe import Data

STALE_SECONDS = 3600.0  # an unfinished file this old was left by a process that was killed
MARGIN = 0.25  # seconds around the sound that are stored too: where the resampling filter still rings

Kept = TypeVar("Kept", StoredVideo, StoredAudio)


@dataclass(frozen=True)
class Store:
    """A folder of decoded recordings, and the limits on what is added to it."""

    folder: Path
    """One file per recording, modality and size or sample rate."""
    gigabytes: float = -1.0
    """Disk space that it may take; -1 is half of what is free."""
    seconds: float = 0.0
    """Seconds that will be read of each recording in all: a longer one is not worth decoding as a whole."""
    share: float = 1.0
    """Share of the recordings worth storing that the disk space holds, 0 to 1."""
    spare: int = 0
    """Bytes of the disk that are left free."""

    def planned(self, entries: Sequence[Entry], clip: Clip, seconds: float, channels: int, rates: int = 1) -> Store:
        """A copy of the store with limits for a reader that will read ``seconds`` of each of ``entries`` in total.

        ``channels`` are those of a frame (0: no video), ``rates`` the number of sample rates (0: no audio). Raises
        :class:`StoreError` where the folder cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free, held = shutil.disk_usage(self.folder).free, _tidy(self.folder)
        except OSError as error:
            raise StoreError(
                f"data.store: {self.folder} cannot be used ({error.strerror}); name another folder, or off"
            ) from None
        budget = self.gigabytes * 1e9 if self.gigabytes >= 0 else (free + held) / 2
        files = {entry.path: entry for entry in entries}.values()
        worth = [entry for entry in files if (entry.duration or math.inf) <= seconds]
        needed = sum(_bytes(entry, clip, channels, rates) for entry in worth)
        return replace(self, seconds=seconds, share=min(1.0, budget / max(needed, 1.0)), spare=min(2**30, free // 4))

    def open(self, entry: Entry) -> StoredRecording:
        """The recording of a manifest's entry, read through the store."""
        return StoredRecording(self, entry)

    def video(self, recording: StoredRecording, height: int, width: int, grey: bool) -> StoredVideo | None:
        """All frames of a recording at one size, stored now if need be; ``None`` where they are not to be stored."""

        def encode() -> bytes | None:
            frames = recording.file.all_frames(height, width, grey)
            return StoredVideo.encode(frames) if bool(np.all(np.diff(frames.stamps) > 0)) else None

        return self._kept(recording, ["video", height, width, grey], StoredVideo.load, encode)

    def audio(self, recording: StoredRecording, sample_rate: int) -> StoredAudio | None:
        """The whole waveform of a recording, stored now if need be; ``None`` where it is not to be stored."""
        entry = recording.entry

        def encode() -> bytes | None:
            if entry.audio_start is None or entry.audio_end is None:
                return None
            start = entry.audio_start - MARGIN
            whole = recording.file.waveform(start, entry.audio_end + MARGIN - start, sample_rate)
            return StoredAudio.encode(whole, sample_rate)

        return self._kept(recording, ["audio", sample_rate, entry.downmix], StoredAudio.load, encode)

    def _kept(
        self,
        recording: StoredRecording,
        settings: Sequence[object],
        load: Callable[[Path], Kept | None],
        encode: Callable[[], bytes | None],
    ) -> Kept | None:
        name = _name(recording.entry, settings)
        if name is None:
            return None
        path = self.folder / name[:2] / f"{settings[0]}-{name}.safetensors"
        kept = load(path)
        if kept is not None or not self._worth_storing(recording.entry, name):
            return kept
        note = path.with_suffix(".damaged")
        if note.exists():
            recording.damage = note.read_text(errors="surrogateescape")
            return None
        try:
            content = encode()
        except MediaError as error:
            # Clips of its undamaged stretches can be had from the recording itself.
            recording.damage = str(error)
            self._write(note, recording.damage.encode(errors="surrogateescape"))
            return None
        return load(path) if content is not None and self._write(path, content) else None

    def _worth_storing(self, entry: Entry, name: str) -> bool:
        longer = entry.duration is None or entry.duration > self.seconds
        return not longer and int(name[:8], 16) < self.share * 2**32

    def _write(self, path: Path, content: bytes) -> bool:
        """Write a file; return False where the disk is full or nearly full."""
        try:
            self.folder.mkdir(exist_ok=True)  # not the run's folder, should that be deleted
            if shutil.disk_usage(self.folder).free - len(content) < self.spare:
                return False
            write_atomically(path, lambda file: file.write(content))
        except (OSError, WriteError):
            return False
        return True


class StoreError(WriteError):
    """The folder of a store cannot be used."""


class StoredRecording:
    """A recording read through the store: from disk where it is stored, decoded otherwise."""

    def __init__(self, store: Store, entry: Entry) -> None:
        self.entry = entry
        self.damage = ""
        """Why it could not be decoded as a whole, where that was found: its undamaged stretches can be read."""
        self._store = store

    def frames(self, times: Sequence[float], height: int, width: int, grey: bool = False) -> Frames:
        """As :meth:`avgdt.media.recording.Recording.frames`."""
        kept = self._store.video(self, height, width, grey)
        return self.file.frames(times, height, width, grey) if kept is None else kept.frames(times)

    def waveform(self, start: float, seconds: float, sample_rate: int) -> Waveform:
        """As :meth:`avgdt.media.recording.Recording.waveform`."""
        kept = self._store.audio(self, sample_rate)
        if kept is None:
            return self.file.waveform(start, seconds, sample_rate)
        return kept.waveform(start, seconds, sample_rate)

    @cached_property
    def file(self) -> Recording:
        """The recording itself, opened when it is first needed."""
        return open_recording(self.entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "file" in self.__dict__:
            self.file.close()


def open_store(data: Data, run: Path) -> Store | None:
    """The store that a recipe's ``data`` names for the run in the folder ``run``; ``None`` where it is off."""
    if data.store == "off":
        return None
    return Store(run / "store" if data.store == "auto" else Path(data.store), data.store_gigabytes)


def _bytes(entry: Entry, clip: Clip, channels: int, rates: int) -> float:
    """Estimated size of a decoded recording on disk, in bytes."""
    frames = (entry.frame_rate or 0) * clip.height * clip.width * channels
    return (entry.duration or 0) * (frames + 4 * clip.sample_rate * rates)


def _tidy(folder: Path) -> int:
    """Delete abandoned temporary files of a store; return the bytes of the other files."""
    held = 0
    for path in folder.glob("??/*"):
        state = path.stat()
        if path.suffix == ".partial" and time.time() - state.st_mtime > STALE_SECONDS:
            path.unlink(missing_ok=True)
        else:
            held += state.st_size
    return held


def open_recording(entry: Entry) -> Recording:
    """Open the recording of a manifest entry, without the store."""
    return Recording(entry.path, downmix=entry.downmix or "auto")


def _name(entry: Entry, settings: Sequence[object]) -> str | None:
    """Cache key of a recording, of its file, the decoder and ``settings``; ``None`` where the file is missing."""
    try:
        path = entry.path.resolve()
        state = path.stat()
    except OSError:
        return None
    decoder = source_digest(Path(avgdt.media.__file__).parent), av.__version__
    told = [*decoder, str(path), state.st_size, state.st_mtime_ns, *settings]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]
