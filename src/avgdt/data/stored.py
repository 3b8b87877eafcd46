"""File formats of the store: all frames of a recording at one size, and its whole waveform."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from avgdt.media.picture import ROUNDING, AllFrames, Frames
from avgdt.media.sound import Waveform


@dataclass(frozen=True)
class StoredVideo:
    """A file with all frames of a recording at one size."""

    path: Path
    """A safetensors file; frames are read from it where they are asked for."""
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
        """What :meth:`encode` wrote; ``None`` where there is no such file or it is damaged."""
        try:
            with safe_open(path, framework="numpy") as file:
                told = file.metadata()
                if not _intact(path, path.stat().st_mtime_ns, told["crc32"], "pixels"):
                    return None
                stamps, zero = file.get_tensor("stamps"), float.fromhex(told["zero"])
                return cls(path, stamps, Fraction(told["tick"]), zero, Fraction(told["end"]))
        except (OSError, SafetensorError, KeyError, ValueError, TypeError):
            return None

    @staticmethod
    def encode(frames: AllFrames) -> bytes:
        """All frames of a recording as the content of a file."""
        told = {
            "tick": str(frames.tick),
            "zero": frames.zero.hex(),
            "end": str(frames.end),
            "crc32": _crc32(frames.pixels),
        }
        return save({"pixels": frames.pixels, "stamps": frames.stamps}, told)

    def frames(self, times: Sequence[float]) -> Frames:
        """The frame on screen at each of ``times``: those of ``Recording.frames``, to the bit."""
        limits = [math.floor((time + self.zero + ROUNDING) / self.tick) for time in times]
        places = np.maximum(np.searchsorted(self.stamps, limits, side="right") - 1, 0)
        first, last = int(places.min()), int(places.max())
        with safe_open(self.path, framework="numpy") as file:
            pixels: NDArray[np.uint8] = file.get_slice("pixels")[first : last + 1]
        chosen = [float(int(stamp) * self.tick) - self.zero for stamp in self.stamps[places]]
        ended = last == len(self.stamps) - 1 and self.end <= max(limits)
        end = float(self.end * self.tick) - self.zero if ended else None
        return Frames(pixels[places - first], np.array(chosen, dtype=np.float64), end)


@dataclass(frozen=True)
class StoredAudio:
    """A file with the whole waveform of a recording at one sample rate."""

    path: Path
    """A safetensors file; samples are read from it where they are asked for."""
    first: int
    """Place of its first sample on the grid of the sample rate."""
    count: int
    """Samples."""
    end: float
    """When the sound ends, in seconds."""

    @classmethod
    def load(cls, path: Path) -> StoredAudio | None:
        """What :meth:`encode` wrote; ``None`` where there is no such file or it is damaged."""
        try:
            with safe_open(path, framework="numpy") as file:
                told = file.metadata()
                if not _intact(path, path.stat().st_mtime_ns, told["crc32"], "samples"):
                    return None
                (count,) = file.get_slice("samples").get_shape()
                return cls(path, int(told["first"]), count, float.fromhex(told["end"]))
        except (OSError, SafetensorError, KeyError, ValueError, TypeError):
            return None

    @staticmethod
    def encode(whole: Waveform, sample_rate: int) -> bytes:
        """The whole waveform of a recording as the content of a file."""
        end = math.inf if whole.end is None else whole.end
        told = {"first": str(round(whole.start * sample_rate)), "end": end.hex(), "crc32": _crc32(whole.samples)}
        return save({"samples": whole.samples}, told)

    def waveform(self, start: float, seconds: float, sample_rate: int) -> Waveform:
        """``round(seconds * sample_rate)`` samples from ``start`` on: those of ``Recording.waveform``, to the bit."""
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
