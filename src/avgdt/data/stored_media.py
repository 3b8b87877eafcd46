"""Files of the store: all frames of a recording at one size, or its whole waveform at one sample rate."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from avgdt.media.audio import Waveform
from avgdt.media.video import ROUNDING, AllFrames, Frames


@dataclass(frozen=True)
class StoredVideo:
    """A cached file with all frames of a recording at one frame size."""

    path: Path
    """Path of the safetensors file, from which frames are read on demand."""
    stamps: NDArray[np.int64]
    """(time,) int64: increasing presentation time stamps of the frames, in units of ``tick``."""
    tick: Fraction
    """Duration of one time stamp unit, in seconds."""
    zero: float
    """Container time at which the timeline of the recording begins, in seconds."""
    end: Fraction
    """End time stamp of the last frame (its time stamp plus its duration), in units of ``tick``."""

    @classmethod
    def load(cls, path: Path) -> StoredVideo | None:
        """Open a file whose content :meth:`encode` returned; return ``None`` if the file is missing or damaged."""

        def build(file: Any, metadata: Mapping[str, str]) -> StoredVideo:
            stamps, zero = file.get_tensor("stamps"), float.fromhex(metadata["zero"])
            return cls(path, stamps, Fraction(metadata["tick"]), zero, Fraction(metadata["end"]))

        return _load(path, "pixels", build)

    @staticmethod
    def encode(frames: AllFrames) -> bytes:
        """Encode all frames of a recording as the content of a file."""
        metadata = {
            "tick": str(frames.tick),
            "zero": frames.zero.hex(),
            "end": str(frames.end),
            "crc32": _crc32(frames.pixels),
        }
        return save({"pixels": frames.pixels, "stamps": frames.stamps}, metadata)

    def frames(self, times: Sequence[float]) -> Frames:
        """Return the frame on screen at each of ``times``, bit-identical to the result of ``Recording.frames``."""
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
    """A cached file with the whole waveform of a recording at one sample rate."""

    path: Path
    """Path of the safetensors file, from which samples are read on demand."""
    first_sample: int
    """Index of the first stored sample, where sample 0 is at time 0 of the recording."""
    count: int
    """Number of stored samples."""
    end: float
    """Time at which the audio ends, in seconds; infinite if it does not end within the stored samples."""

    @classmethod
    def load(cls, path: Path) -> StoredAudio | None:
        """Open a file whose content :meth:`encode` returned; return ``None`` if the file is missing or damaged."""

        def build(file: Any, metadata: Mapping[str, str]) -> StoredAudio:
            (count,) = file.get_slice("samples").get_shape()
            return cls(path, int(metadata["first"]), count, float.fromhex(metadata["end"]))

        return _load(path, "samples", build)

    @staticmethod
    def encode(whole: Waveform, sample_rate: int) -> bytes:
        """Encode the whole waveform of a recording as the content of a file."""
        end = math.inf if whole.end is None else whole.end
        metadata = {"first": str(round(whole.start * sample_rate)), "end": end.hex(), "crc32": _crc32(whole.samples)}
        return save({"samples": whole.samples}, metadata)

    def waveform(self, start: float, seconds: float, sample_rate: int) -> Waveform:
        """Return the samples of a time span, bit-identical to the result of ``Recording.waveform``."""
        first, count = round(start * sample_rate), round(seconds * sample_rate)
        samples = np.zeros(count, dtype=np.float32)
        begin, end = max(first, self.first_sample), min(first + count, self.first_sample + self.count)
        if begin < end:
            with safe_open(self.path, framework="numpy") as file:
                samples[begin - first : end - first] = file.get_slice("samples")[
                    begin - self.first_sample : end - self.first_sample
                ]
        return Waveform(samples, first / sample_rate, self.end if self.end < start + seconds else None)


Stored = TypeVar("Stored", StoredVideo, StoredAudio)


def _load(path: Path, array: str, build: Callable[[Any, Mapping[str, str]], Stored]) -> Stored | None:
    """Return ``build(file, metadata)`` if the array named ``array`` matches its checksum; ``None`` if the file is
    missing or damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata()
            intact = _intact(path, path.stat().st_mtime_ns, metadata["crc32"], array)
            return build(file, metadata) if intact else None
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None


def _crc32(values: NDArray[np.generic]) -> str:
    return f"{zlib.crc32(np.ascontiguousarray(values).data):08x}"


@lru_cache(maxsize=2**20)
def _intact(path: Path, modified: int, crc32: str, name: str) -> bool:
    """Return whether the array ``name`` of a file matches its checksum; cached per process and modification time."""
    with safe_open(path, framework="numpy") as file:
        return _crc32(file.get_tensor(name)) == crc32
