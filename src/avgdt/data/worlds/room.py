"""Rooms: from the sound of a cause to what a microphone records: colouring, echo, background noise, level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avgdt.data.worlds.arrays import Floats

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
    padded = 2 * sound.size
    frequencies = np.fft.rfftfreq(padded, 1 / sample_rate).astype(np.float64)
    response = np.fft.rfft(_echo(room, sound.size, sample_rate, generator), padded)
    heard = _unit(np.fft.irfft(np.fft.rfft(sound, padded) * response * _colour(frequencies, room.colour)), sound.size)
    hiss = np.fft.irfft(np.fft.rfft(generator.standard_normal(padded)) * _tilt(frequencies, room.noise_tilt))
    recorded = (heard + 10 ** (room.noise / 20) * _unit(hiss, sound.size)) * 10 ** (level / 20)
    return np.asarray(recorded / max(1.0, float(np.abs(recorded).max()) / _CEILING))


def _echo(room: Room, samples: int, sample_rate: int, generator: np.random.Generator) -> Floats:
    """The room's answer to a clap: the clap itself, then a decaying noise."""
    reach = min(round(6 * room.echo_decay * sample_rate), samples)
    tail = generator.standard_normal(reach) * np.exp(-np.arange(reach) / (room.echo_decay * sample_rate))
    tail *= room.echo / np.sqrt(np.sum(tail**2))  # linalg.norm's last bit depends on the machine's cores
    tail[0] += 1.0
    return np.asarray(tail)


def _unit(sound: Floats, samples: int) -> Floats:
    """The first ``samples`` with a root mean square of 1 (silence stays silent)."""
    sound = sound[:samples]
    return np.asarray(sound / max(float(np.sqrt(np.mean(sound**2))), 1e-9))


def _colour(frequencies: Floats, decibels: tuple[float, ...]) -> Floats:
    """Gain at ``frequencies`` that passes through ``decibels`` at the centres of the bands."""
    octaves = np.log2(np.clip(frequencies, _LOWEST, _HIGHEST))
    centres = np.linspace(np.log2(_LOWEST), np.log2(_HIGHEST), len(decibels))
    return np.asarray(10 ** (np.interp(octaves, centres, decibels) / 20))


def _tilt(frequencies: Floats, decibels: float) -> Floats:
    """Gain that changes by ``decibels`` per octave, 1 at 1 kHz, level below 60 Hz and above 8 kHz."""
    octaves = np.log2(np.clip(frequencies, 60, 8000) / 1000)
    return np.asarray(10 ** (decibels * octaves / 20))
