"""Downmix of audio channels to mono."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

Downmix = str
"""Downmix of audio channels to mono: the "mean", or a single channel: "first", "channel 2", "channel 3" ..."""
_CHANNEL = re.compile(r"channel ([1-9]\d{0,3})")
CANCELS = 1e-3
"""Maximum energy of the mean of the channels that cancel each other, relative to the mean of their energies.

The ratio is 1 / n for n uncorrelated channels, and almost 0 for two channels of opposite phase.
"""
AUDIBLE = 1.0
"""Minimum absolute sample value, on the int16 scale, that is not digital silence."""

_FULL_SCALE = {"u8": 128.0, "s16": 32768.0, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}


@lru_cache
def channel_of(downmix: Downmix) -> int | None:
    """Return the channel index of a downmix, ``None`` for the mean; raise ``ValueError`` for an invalid downmix."""
    if downmix in ("mean", "first"):
        return None if downmix == "mean" else 0
    if match := _CHANNEL.fullmatch(downmix):
        return int(match[1]) - 1
    raise ValueError("mean, first or a channel such as `channel 2`")


def downmix_to_mono(frame: AudioFrame, downmix: Downmix) -> NDArray[np.float64]:
    """Downmix a frame to mono samples (samples,) on the int16 scale.

    If ``downmix`` names a channel that the frame lacks, the mean of its channels is used.
    """
    values = _channels(frame)
    channel = channel_of(downmix)
    if len(values) == 1:
        channel = 0
    present = channel is not None and channel < len(values)
    return _int16(frame, values[channel] if present else values.mean(axis=0, dtype=np.float64))


def audible(frame: AudioFrame) -> bool:
    """Return whether any channel of a frame is not digital silence."""
    return bool(np.abs(_int16(frame, _channels(frame))).max(initial=0.0) >= AUDIBLE)


class Levels:
    """Energies and peaks of each channel, and of the mean of the channels, over audio frames."""

    def __init__(self, frames: Iterable[AudioFrame]) -> None:
        """Measure ``frames``; frames with one channel are excluded from the energies, as they need no downmix."""
        self._mean = self._each = self._mean_peak = 0.0
        self._energies = self._peaks = np.zeros(0)
        for frame in frames:
            self._add(_int16(frame, _channels(frame)))

    def _add(self, values: NDArray[np.float64]) -> None:
        mean, count = values.mean(axis=0), len(values)
        if (missing := count - len(self._peaks)) > 0:
            self._energies, self._peaks = (np.pad(old, (0, missing)) for old in (self._energies, self._peaks))
        self._mean_peak = max(self._mean_peak, float(np.abs(mean).max(initial=0.0)))
        self._peaks[:count] = np.fmax(self._peaks[:count], np.abs(values).max(axis=1, initial=0.0))
        if count > 1:
            energies = np.square(values).sum(axis=1)
            self._energies[:count] += energies
            self._each += float(energies.mean())
            self._mean += float(np.square(mean).sum())

    @property
    def silent(self) -> bool:
        """Whether all channels are digital silence."""
        return not (self._peaks >= AUDIBLE).any()

    @property
    def conclusive(self) -> bool:
        """Whether the measured frames determine the downmix of the whole stream."""
        return self._mean_peak >= AUDIBLE or (self._cancels and not self.silent)

    @property
    def downmix(self) -> Downmix:
        """Downmix for these levels: the mean, or the loudest channel if the channels cancel each other."""
        if self.silent or not (self._cancels or self._mean_peak < AUDIBLE):
            return "mean"
        loudest = int(np.argmax(np.where(self._peaks >= AUDIBLE, self._energies, 0.0)))
        if self._energies[loudest] <= self._mean:
            return "mean"
        return f"channel {loudest + 1}" if loudest else "first"

    @property
    def _cancels(self) -> bool:
        return self._mean < CANCELS * self._each


def _channels(frame: AudioFrame) -> NDArray[np.generic]:
    """Return the samples of a frame as stored, (channels, samples)."""
    values = frame.to_ndarray()
    return values if frame.format.is_planar else values.reshape(frame.samples, -1).T


def _int16(frame: AudioFrame, values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Convert the ``values`` of a frame to the int16 scale."""
    name = frame.format.name.removesuffix("p")
    return (values.astype(np.float64, copy=False) - (128.0 if name == "u8" else 0.0)) * (32768.0 / _FULL_SCALE[name])
