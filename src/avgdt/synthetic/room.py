"""Rooms: from the sound of a cause to what a microphone records: colouring, echo, background noise, level."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from avgdt.synthetic.arrays import Floats

_BANDS = 20  # of the colouring
_LOWEST, _HIGHEST = 80.0, 12000.0  # Hz at the centres of the first and the last band
_CEILING = 0.97  # full scale that nothing passes


@dataclass(frozen=True)
class Room:
    """How sound reaches the microphone."""

    colour: tuple[float, ...]
    """Decibels in each band, the bands spaced evenly in octaves."""
    echo: float
    """Share of reverberation."""
    echo_decay: float
    """Seconds in which it falls to 1/e."""
    noise: float
    """Decibels of background noise relative to the sound."""
    noise_tilt: float
    """Decibels per octave of the noise around 1 kHz."""


def draw_room(generator: np.random.Generator) -> Room:
    """A room, a microphone and a background noise."""
    return Room(
        colour=tuple(generator.normal(0, 6, _BANDS).tolist()),
        echo=float(generator.uniform(0, 0.35)),
        echo_decay=float(generator.uniform(0.05, 0.15)),
        noise=float(generator.uniform(-30, -14)),
        noise_tilt=float(generator.uniform(-5, 0)),
    )


def record(sound: Floats, room: Room, level: float, sample_rate: int, generator: np.random.Generator) -> Floats:
    """The recorded sound (samples,), within -1 to 1, at ``level`` decibels; onsets stay where they are."""
    samples = sound.size
    spectrum = np.fft.rfft(sound, 2 * samples)
    other = np.fft.rfft(_echo(room, samples, sample_rate, generator), 2 * samples)
    spectrum *= other
    spectrum *= _colour(samples, sample_rate, room.colour)
    wave = np.fft.irfft(spectrum)
    recorded = _unit(wave[:samples])
    noise = generator.standard_normal(2 * samples)
    np.fft.rfft(noise, out=other)
    other *= _tilt(samples, sample_rate, room.noise_tilt)
    hiss = _unit(np.fft.irfft(other, out=noise)[:samples])
    hiss *= 10 ** (room.noise / 20)
    recorded += hiss
    recorded *= 10 ** (level / 20)
    recorded /= max(1.0, max(float(recorded.max()), -float(recorded.min())) / _CEILING)
    return recorded


def _echo(room: Room, samples: int, sample_rate: int, generator: np.random.Generator) -> Floats:
    """The room's answer to a clap: the clap itself, then a decaying noise."""
    reach = min(round(6 * room.echo_decay * sample_rate), samples)
    tail = generator.standard_normal(reach) * np.exp(-np.arange(reach) / (room.echo_decay * sample_rate))
    tail *= room.echo / np.sqrt(np.sum(tail**2))  # linalg.norm's last bit depends on the machine's cores
    tail[0] += 1.0
    return np.asarray(tail)


def _unit(sound: Floats) -> Floats:
    """``sound`` itself, brought to a root mean square of 1 (silence stays silent)."""
    sound /= max(float(np.sqrt(np.mean(sound**2))), 1e-9)
    return sound


def _colour(samples: int, sample_rate: int, decibels: tuple[float, ...]) -> Floats:
    """Gain that passes through ``decibels`` at the centres of the bands, at each frequency of 2 ``samples``."""
    centres = np.linspace(np.log2(_LOWEST), np.log2(_HIGHEST), len(decibels))
    return _gain(np.interp(_octaves(samples, sample_rate, _LOWEST, _HIGHEST), centres, decibels))


def _tilt(samples: int, sample_rate: int, decibels: float) -> Floats:
    """Gain that changes by ``decibels`` per octave, 1 at 1 kHz, level below 60 Hz and above 8 kHz, at each frequency of
    2 ``samples``."""
    return _gain(decibels * _octaves(samples, sample_rate, 60, 8000, 1000))


def _gain(decibels: Floats) -> Floats:
    decibels /= 20
    return np.power(10, decibels, out=decibels)


@lru_cache(maxsize=2)
def _octaves(samples: int, sample_rate: int, lowest: float, highest: float, middle: float = 1.0) -> Floats:
    """Octaves of each frequency of 2 ``samples`` above ``middle`` (Hz), level outside ``lowest`` to ``highest``."""
    frequencies = np.fft.rfftfreq(2 * samples, 1 / sample_rate).astype(np.float64)
    return np.log2(np.clip(frequencies, lowest, highest) / middle)
