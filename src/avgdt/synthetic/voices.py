"""Voices: what a thing sounds like. Its outline decides the timbre, its size the pitch, its motion all the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avgdt.synthetic.outlines import Block, Cross, Disc, Outline, Triangle


@dataclass(frozen=True)
class Voice:
    """A timbre at a pitch, to be struck or sustained."""

    pitch: float
    """Hz of the lowest partial."""
    ratios: tuple[float, ...]
    """Frequencies of the partials relative to the lowest."""
    weights: tuple[float, ...]
    """Amplitudes of the partials."""
    breath: float
    """0 is a steady tone, 1 a band of noise around each partial."""
    decay: float
    """Seconds in which a struck note falls to 1/e."""
    air: float
    """Amplitude of the noise that comes with every contact and every flow."""


_TIMBRES: tuple[tuple[Outline, tuple[float, ...], tuple[float, ...], float, float], ...] = (
    (Disc(), (1, 2, 2.76, 5.4), (1, 0.5, 0.4, 0.25), 0.1, 0.16),  # a bell
    (Block(), (1, 1.58, 2.24, 3.5), (1, 0.7, 0.5, 0.4), 0.6, 0.09),  # wood
    (Triangle(), (1, 2, 3, 4, 5, 6), (1, 0.7, 0.6, 0.5, 0.4, 0.35), 0.1, 0.12),  # a reed
    (Cross(), (1, 2, 3), (1, 0.5, 0.25), 1.0, 0.11),  # breath
)

OUTLINES = tuple(timbre[0] for timbre in _TIMBRES)
"""The outlines that things come in."""

SMALLEST, LARGEST = 0.085, 0.145
"""Sizes of things in units of the picture's height."""


def voice_of(outline: Outline, size: float, generator: np.random.Generator) -> Voice:
    """The voice of a thing: the largest is three octaves below the smallest, within a semitone."""
    pitch = 380.0 * (0.11 / size) ** 4 * 2 ** generator.uniform(-1 / 12, 1 / 12)
    _, ratios, weights, breath, decay = _TIMBRES[OUTLINES.index(outline)]
    return Voice(
        pitch, ratios, weights, breath, decay * float(generator.uniform(0.7, 1.5)), float(generator.uniform(0.03, 0.3))
    )
