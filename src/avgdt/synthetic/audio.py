"""Audio of a recording: timbres of moving objects, a synthesiser of notes, and room acoustics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from avgdt.synthetic.outlines import Cross, Disc, Outline, Rectangle, Triangle
from avgdt.synthetic.timeline import Floats

_ATTACK = 0.0015  # time constant of the rise of a struck note, in seconds
_RISEN = 38 * _ATTACK  # duration of the rise in seconds: 1 - exp(-38) rounds to 1
_CLICK = 0.004  # time constant of the decay of the contact noise, in seconds
_FADED = 80 * _CLICK  # duration of the contact noise in seconds: exp(-80) is too small to change a sample
_BANDS = 20  # number of bands of the frequency response
_LOWEST, _HIGHEST = 80.0, 12000.0  # centres of the first and the last band, in Hz
_CEILING = 0.97  # maximum amplitude, relative to full scale


@dataclass(frozen=True)
class Timbre:
    """The timbre of an object: pitch, partials, decay and noise."""

    pitch: float
    """Frequency of the lowest partial, in Hz."""
    ratios: tuple[float, ...]
    """Frequencies of the partials relative to the lowest partial."""
    weights: tuple[float, ...]
    """Relative amplitudes of the partials."""
    breath: float
    """Noise content of the partials, from 0 for a steady tone to 1 for a band of noise around each partial."""
    decay: float
    """Time constant of the decay of a struck note, in seconds."""
    air: float
    """Amplitude of the noise that accompanies an impact or a sustained note."""


_TIMBRES: tuple[tuple[Outline, tuple[float, ...], tuple[float, ...], float, float], ...] = (
    (Disc(), (1, 2, 2.76, 5.4), (1, 0.5, 0.4, 0.25), 0.1, 0.16),  # bell-like
    (Rectangle(), (1, 1.58, 2.24, 3.5), (1, 0.7, 0.5, 0.4), 0.6, 0.09),  # wooden
    (Triangle(), (1, 2, 3, 4, 5, 6), (1, 0.7, 0.6, 0.5, 0.4, 0.35), 0.1, 0.12),  # reed-like
    (Cross(), (1, 2, 3), (1, 0.5, 0.25), 1.0, 0.11),  # breathy
)

OUTLINES = tuple(timbre[0] for timbre in _TIMBRES)
"""Outlines of moving objects, each with its own timbre."""

SMALLEST, LARGEST = 0.085, 0.145
"""Range of the radius of moving objects, in units of the frame height."""


def draw_timbre(outline: Outline, size: float, generator: np.random.Generator) -> Timbre:
    """Sample the timbre of an object with the given outline and size.

    The outline determines the partials. The size determines the pitch to within a semitone: the largest object
    sounds about three octaves below the smallest.
    """
    pitch = 380.0 * (0.11 / size) ** 4 * 2 ** generator.uniform(-1 / 12, 1 / 12)
    _, ratios, weights, breath, decay = _TIMBRES[OUTLINES.index(outline)]
    return Timbre(
        pitch, ratios, weights, breath, decay * float(generator.uniform(0.7, 1.5)), float(generator.uniform(0.03, 0.3))
    )


class Synth:
    """A synthesiser of one timbre for one recording.

    Waveforms are float64 (samples,) with a full scale of about 1.
    """

    def __init__(self, timbre: Timbre, seconds: float, sample_rate: int, generator: np.random.Generator) -> None:
        self.timbre = timbre
        self.sample_rate = sample_rate
        self.times: Floats = np.arange(round(seconds * sample_rate)) / sample_rate
        """Times of the samples, in seconds."""
        self._generator = generator
        self._breath = 1 + timbre.breath * (2.2 * smooth_noise(generator, self.times.size, sample_rate, 45.0) - 1)

    def sustain(self, pitch: Floats, loudness: Floats) -> Floats:
        """Return the waveform of a sustained note.

        ``pitch`` (relative to the pitch of the timbre) and ``loudness`` (the amplitude) have the shape (samples,).
        """
        phase = np.cumsum(self.timbre.pitch * pitch)
        phase *= 2 * np.pi
        phase /= self.sample_rate
        waveform = self._carrier(phase)
        waveform *= self._breath
        air = self._generator.standard_normal(out=phase)
        air *= 0.5 * self.timbre.air
        waveform += air
        waveform *= loudness
        return waveform

    def strike(self, times: Floats, strengths: Floats, pitches: Floats | float = 1.0, glide: float = 0.0) -> Floats:
        """Return the waveform of struck notes.

        ``times`` are in seconds, ``strengths`` are amplitudes, and ``pitches`` are relative to the pitch of the timbre.
        A positive ``glide`` raises the pitch during the decay of each note, by at most about ``glide / 2`` octaves.
        """
        waveform = np.zeros(self.times.size)
        decay = self.timbre.decay
        length = round(6 * decay * self.sample_rate)
        for time, strength, pitch in np.broadcast(times, strengths, pitches):
            first = int(np.ceil(time * self.sample_rate))
            skipped = max(-first, 0)
            count = min(length - skipped, waveform.size - first - skipped)
            if count <= 0:
                continue
            age = (np.arange(skipped, skipped + count) + first) / self.sample_rate - time
            fall = np.exp(-age / decay)
            phase = 2 * np.pi * self.timbre.pitch * pitch * age
            if glide:
                phase *= 2 ** (glide * age / decay * fall)
            rising = np.searchsorted(age, _RISEN)
            fall[:rising] *= 1 - np.exp(-age[:rising] / _ATTACK)
            span = slice(first + skipped, first + skipped + count)
            note = self._carrier(phase)
            note *= self._breath[span]
            note *= fall
            heard = np.searchsorted(age, _FADED)
            contact = self._generator.standard_normal(count)[:heard]
            contact *= 3 * self.timbre.air * np.exp(-age[:heard] / _CLICK)
            note[:heard] += contact
            note *= strength
            waveform[span] += note
        return waveform

    def _carrier(self, phase: Floats) -> Floats:
        total, partial = np.zeros(phase.size), np.empty(phase.size)
        for number, (ratio, weight) in enumerate(zip(self.timbre.ratios, self.timbre.weights, strict=True)):
            np.multiply(phase, ratio, out=partial)
            partial += number
            np.sin(partial, out=partial)
            partial *= weight
            total += partial
        total /= np.linalg.norm(self.timbre.weights)
        return total


def smooth_noise(generator: np.random.Generator, samples: int, sample_rate: int, bandwidth: float) -> Floats:
    """Return Gaussian noise (samples,) of unit standard deviation, low-pass filtered at ``bandwidth`` Hz."""
    spectrum = np.zeros(samples // 2 + 1, np.complex128)
    count = min(max(int(3 * bandwidth * samples / sample_rate), 2), spectrum.size)
    shape = np.exp(-0.5 * (np.arange(count) * sample_rate / samples / bandwidth) ** 2)
    spectrum[:count] = shape * (generator.standard_normal(count) + 1j * generator.standard_normal(count))
    noise = np.fft.irfft(spectrum, samples)
    return np.asarray(noise / noise.std())


@dataclass(frozen=True)
class Room:
    """The acoustics of a room: frequency response, reverberation and background noise."""

    colour: tuple[float, ...]
    """Frequency response: the gain of each band in decibels, with band centres evenly spaced in octaves."""
    echo: float
    """Amplitude of the reverberation relative to the direct sound."""
    echo_decay: float
    """Time constant of the decay of the reverberation, in seconds."""
    noise: float
    """Level of the background noise relative to the sound, in decibels."""
    noise_tilt: float
    """Slope of the noise spectrum, in decibels per octave."""


def draw_room(generator: np.random.Generator) -> Room:
    """Sample the frequency response, the reverberation and the background noise of a room."""
    return Room(
        colour=tuple(generator.normal(0, 6, _BANDS).tolist()),
        echo=float(generator.uniform(0, 0.35)),
        echo_decay=float(generator.uniform(0.05, 0.15)),
        noise=float(generator.uniform(-30, -14)),
        noise_tilt=float(generator.uniform(-5, 0)),
    )


def record(waveform: Floats, room: Room, level: float, sample_rate: int, generator: np.random.Generator) -> Floats:
    """Return the waveform (samples,) that a microphone in the room records, from -1 to 1.

    ``level`` is the root mean square of the sound without background noise, in decibels relative to full scale; it is
    reduced if the peaks exceed the range. The room does not delay onsets.
    """
    samples = waveform.size
    spectrum = np.fft.rfft(waveform, 2 * samples)
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
    """Return the impulse response of the room: the direct sound, followed by decaying noise."""
    reach = min(round(6 * room.echo_decay * sample_rate), samples)
    tail = generator.standard_normal(reach) * np.exp(-np.arange(reach) / (room.echo_decay * sample_rate))
    tail *= room.echo / np.sqrt(np.sum(tail**2))  # not linalg.norm, whose last bit depends on the number of cores
    tail[0] += 1.0
    return np.asarray(tail)


def _unit(waveform: Floats) -> Floats:
    """Scale ``waveform`` in place to a root mean square of 1 and return it; silence remains silent."""
    waveform /= max(float(np.sqrt(np.mean(waveform**2))), 1e-9)
    return waveform


def _colour(samples: int, sample_rate: int, decibels: tuple[float, ...]) -> Floats:
    """Return the gain at each frequency of a real FFT of length ``2 * samples``.

    The gain is interpolated from ``decibels`` at the centres of the bands.
    """
    centres = np.linspace(np.log2(_LOWEST), np.log2(_HIGHEST), len(decibels))
    return _gain(np.interp(_octaves(samples, sample_rate, _LOWEST, _HIGHEST), centres, decibels))


def _tilt(samples: int, sample_rate: int, decibels: float) -> Floats:
    """Return the gain at each frequency of a real FFT of length ``2 * samples``.

    The slope is ``decibels`` per octave. The gain is 1 at 1 kHz, and constant below 60 Hz and above 8 kHz.
    """
    return _gain(decibels * _octaves(samples, sample_rate, 60, 8000, 1000))


def _gain(decibels: Floats) -> Floats:
    decibels /= 20
    return np.power(10, decibels, out=decibels)


@lru_cache(maxsize=2)
def _octaves(samples: int, sample_rate: int, lowest: float, highest: float, middle: float = 1.0) -> Floats:
    """Return the distance in octaves from ``middle`` (Hz) to each frequency of a real FFT of length ``2 * samples``.

    Frequencies are clipped to the range from ``lowest`` to ``highest``.
    """
    frequencies = np.fft.rfftfreq(2 * samples, 1 / sample_rate).astype(np.float64)
    return np.log2(np.clip(frequencies, lowest, highest) / middle)
