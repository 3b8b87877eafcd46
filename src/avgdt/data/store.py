"""A cache of decoded recordings on disk: each file is decoded once, when it is first read.

Clips cut from it are bit-identical to those decoded from the file. Files are written atomically, several processes may
read and write at once, and the folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import av
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

import avgdt.media
from avgdt.data.manifest import Entry
from avgdt.files import WriteError, source_digest, write_atomically
from avgdt.media.audio import Waveform
from avgdt.media.errors import MediaError
from avgdt.media.recording import Recording
from avgdt.media.video import ROUNDING, AllFrames, Frames
from avgdt.recipes.clip import Clip
from avgdt.recipes.recipe import Data


@dataclass(frozen=True)
class StoredVideo:
    """A file with all frames of a recording at one size."""

    path: Path
    """A safetensors file; frames are read from it on demand."""
    stamps: NDArray[np.int64]
    """(time,) presentation time stamps, increasing."""
    tick: Fraction
    """Seconds of one time stamp unit."""
    zero: float
    """Container time in seconds of the recording's zero."""
    end: Fraction
    """Time stamp at which the last frame disappears."""

    @classmethod
    def load(cls, path: Path) -> StoredVideo | None:
        """The video in a file that :meth:`encode` wrote; ``None`` where the file is missing or damaged."""
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata()
                if not _intact(path, path.stat().st_mtime_ns, metadata["crc32"], "pixels"):
                    return None
                stamps, zero = file.get_tensor("stamps"), float.fromhex(metadata["zero"])
                return cls(path, stamps, Fraction(metadata["tick"]), zero, Fraction(metadata["end"]))
        except (OSError, SafetensorError, KeyError, ValueError, TypeError):
            return None

    @staticmethod
    def encode(frames: AllFrames) -> bytes:
        """All frames of a recording as the content of a file."""
        metadata = {
            "tick": str(frames.tick),
            "zero": frames.zero.hex(),
            "end": str(frames.end),
            "crc32": _crc32(frames.pixels),
        }
        return save({"pixels": frames.pixels, "stamps": frames.stamps}, metadata)

    def frames(self, times: Sequence[float]) -> Frames:
        """The frame on screen at each of ``times``, bit-identical to that of ``Recording.frames``."""
        limits = [math.floor((time + self.zero + ROUNDING) / self.tick) for time in times]
        indices = np.maximum(np.searchsorted(self.stamps, limits, side="right") - 1, 0)
        first, last = int(indices.min()), int(indices.max())
        with safe_open(self.path, framework="numpy") as file:
            pixels: NDArray[np.uint8] = file.get_slice("pixels")[first : last + 1]
        presented = [float(int(stamp) * self.tick) - self.zero for stamp in self.stamps[indices]]
        ended = last == len(self.stamps) - 1 and self.end <= max(limits)
        end = float(self.end * self.tick) - self.zero if ended else None
        return Frames(pixels[indices - first], np.array(presented, dtype=np.float64), end)


@dataclass(frozen=True)
class StoredAudio:
    """A file with the whole waveform of a recording at one sample rate."""

    path: Path
    """A safetensors file; samples are read from it on demand."""
    first: int
    """Index of the first sample on the grid of the sample rate."""
    count: int
    """Number of samples."""
    end: float
    """When the audio ends, in seconds."""

    @classmethod
    def load(cls, path: Path) -> StoredAudio | None:
        """The audio in a file that :meth:`encode` wrote; ``None`` where the file is missing or damaged."""
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata()
                if not _intact(path, path.stat().st_mtime_ns, metadata["crc32"], "samples"):
                    return None
                (count,) = file.get_slice("samples").get_shape()
                return cls(path, int(metadata["first"]), count, float.fromhex(metadata["end"]))
        except (OSError, SafetensorError, KeyError, ValueError, TypeError):
            return None

    @staticmethod
    def encode(whole: Waveform, sample_rate: int) -> bytes:
        """The whole waveform of a recording as the content of a file."""
        end = math.inf if whole.end is None else whole.end
        metadata = {"first": str(round(whole.start * sample_rate)), "end": end.hex(), "crc32": _crc32(whole.samples)}
        return save({"samples": whole.samples}, metadata)

    def waveform(self, start: float, seconds: float, sample_rate: int) -> Waveform:
        """``round(seconds * sample_rate)`` samples from ``start`` on, bit-identical to ``Recording.waveform``."""
        first, count = round(start * sample_rate), round(seconds * sample_rate)
        samples = np.zeros(count, dtype=np.float32)
        begin, end = max(first, self.first), min(first + count, self.first + self.count)
        if begin < end:
            with safe_open(self.path, framework="numpy") as file:
                samples[begin - first : end - first] = file.get_slice("samples")[begin - self.first : end - self.first]
        return Waveform(samples, first / sample_rate, self.end if self.end < start + seconds else None)


def _crc32(values: NDArray[np.generic]) -> str:
    return f"{zlib.crc32(np.ascontiguousarray(values).data):08x}"


@lru_cache(maxsize=2**20)
def _intact(path: Path, modified: int, crc32: str, name: str) -> bool:
    """Whether an array of a file matches its checksum; verified once per process."""
    with safe_open(path, framework="numpy") as file:
        return _crc32(file.get_tensor(name)) == crc32


STALE_SECONDS = 3600.0  # an unfinished file this old was left by a process that was killed
MARGIN = 0.25  # seconds around the audio that are stored too, for the tails of the resampling filter

Stored = TypeVar("Stored", StoredVideo, StoredAudio)


@dataclass(frozen=True)
class Store:
    """A folder of decoded recordings, and the limits on what is added to it."""

    folder: Path
    """One file per recording, modality and size or sample rate."""
    gigabytes: float = -1.0
    """Largest size of the folder in GB; -1 is half of the free disk space."""
    seconds: float = 0.0
    """Seconds that will be read of each recording in total: longer recordings are not stored."""
    share: float = 1.0
    """Share of the recordings worth storing that the disk space holds, 0 to 1."""
    spare: int = 0
    """Bytes of disk space that stay free."""

    def planned(self, entries: Sequence[Entry], clip: Clip, seconds: float, channels: int, rates: int = 1) -> Store:
        """A copy of the store with limits for a reader that will read ``seconds`` of each of ``entries`` in total.

        ``channels`` are those of a frame (0: no video), ``rates`` the number of sample rates (0: no audio). Raises
        :class:`StoreError` where the folder cannot be created.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free, used = shutil.disk_usage(self.folder).free, _tidy(self.folder)
        except OSError as error:
            raise StoreError(
                f"data.store: {self.folder} cannot be used ({error.strerror}); name another folder, or off"
            ) from None
        budget = self.gigabytes * 1e9 if self.gigabytes >= 0 else (free + used) / 2
        files = {entry.path: entry for entry in entries}.values()
        worth = [entry for entry in files if (entry.duration or math.inf) <= seconds]
        needed = sum(_bytes(entry, clip, channels, rates) for entry in worth)
        return replace(self, seconds=seconds, share=min(1.0, budget / max(needed, 1.0)), spare=min(2**30, free // 4))

    def open(self, entry: Entry) -> StoredRecording:
        """The recording of a manifest's entry, read through the store."""
        return StoredRecording(self, entry)

    def video(self, recording: StoredRecording, height: int, width: int, grey: bool) -> StoredVideo | None:
        """All frames of a recording at one size, stored when first read; ``None`` where they are not to be stored."""

        def encode() -> bytes | None:
            frames = recording.file.all_frames(height, width, grey)
            return StoredVideo.encode(frames) if bool(np.all(np.diff(frames.stamps) > 0)) else None

        return self._load_or_store(recording, ["video", height, width, grey], StoredVideo.load, encode)

    def audio(self, recording: StoredRecording, sample_rate: int) -> StoredAudio | None:
        """The whole waveform of a recording, stored when first read; ``None`` where it is not to be stored."""
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
            # Clips of the undamaged parts can still be decoded from the recording itself.
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
            self.folder.mkdir(exist_ok=True)  # but not the folder of the run, if that was deleted
            if shutil.disk_usage(self.folder).free - len(content) < self.spare:
                return False
            write_atomically(path, lambda file: file.write(content), parents=False)
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
        """Why the recording cannot be decoded as a whole; empty if no damage is known. Undamaged parts can be read."""
        self._store = store

    def frames(self, times: Sequence[float], height: int, width: int, grey: bool = False) -> Frames:
        """As :meth:`avgdt.media.recording.Recording.frames`."""
        stored = self._store.video(self, height, width, grey)
        return self.file.frames(times, height, width, grey) if stored is None else stored.frames(times)

    def waveform(self, start: float, seconds: float, sample_rate: int) -> Waveform:
        """As :meth:`avgdt.media.recording.Recording.waveform`."""
        stored = self._store.audio(self, sample_rate)
        if stored is None:
            return self.file.waveform(start, seconds, sample_rate)
        return stored.waveform(start, seconds, sample_rate)

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
    """Delete abandoned temporary files of a store; return the total bytes of the other files."""
    used = 0
    for path in folder.glob("??/*"):
        state = path.stat()
        if path.suffix == ".partial" and time.time() - state.st_mtime > STALE_SECONDS:
            path.unlink(missing_ok=True)
        else:
            used += state.st_size
    return used


def open_recording(entry: Entry) -> Recording:
    """Open the recording of a manifest entry, without the store."""
    return Recording(entry.path, downmix=entry.downmix or "auto")


def _name(entry: Entry, settings: Sequence[object]) -> str | None:
    """Cache key: a hash of a recording's file, the decoder and ``settings``; ``None`` where the file is missing."""
    try:
        path = entry.path.resolve()
        state = path.stat()
    except OSError:
        return None
    decoder = source_digest(Path(avgdt.media.__file__).parent), av.__version__
    key = [*decoder, str(path), state.st_size, state.st_mtime_ns, *settings]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
