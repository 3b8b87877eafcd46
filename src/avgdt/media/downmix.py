"""Downmix of several audio channels to mono."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

Downmix = Literal["mean", "first"]
"""How several channels become one: their mean, or the first channel alone."""

CANCELS = 1e-3
"""The mean cancels where its energy is below this share of the channels' mean energy: unrelated channels keep at least
one part in their number, the same sound out of phase keeps next to nothing."""

_FULL_SCALE = {"u8": 128.0, "s16": 32768.0, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}


def mono(frame: AudioFrame, downmix: Downmix) -> NDArray[np.float64]:
    """(samples,) of a frame on the int16 scale."""
    values = _channels(frame)
    mixed = values.mean(axis=0, dtype=np.float64) if downmix == "mean" and len(values) > 1 else values[0]
    name = frame.format.name.removesuffix("p")
    return (mixed.astype(np.float64, copy=False) - (128.0 if name == "u8" else 0.0)) * (32768.0 / _FULL_SCALE[name])


def choose(frames: Iterable[AudioFrame]) -> Downmix:
    """The mean, or the first channel where the mean cancels over all these frames and the first channel does not."""
    mean = first = each = 0.0
    for frame in frames:
        if frame.layout.nb_channels < 2:
            continue
        values = _channels(frame).astype(np.float64)
        if frame.format.name.startswith("u8"):
            values -= 128.0
        mean += float(np.square(values.mean(axis=0)).sum())
        first += float(np.square(values[0]).sum())
        each += float(np.square(values).mean(axis=0).sum())
    return "first" if mean < CANCELS * each and first > mean else "mean"


def _channels(frame: AudioFrame) -> NDArray[np.generic]:
    """(channels, samples) as they are stored."""
    values = frame.to_ndarray()
    return values if frame.format.is_planar else values.reshape(frame.samples, -1).T
