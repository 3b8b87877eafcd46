"""Sound from causes: struck notes at instants, sustained notes under curves of pitch and loudness."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.arrays import Floats
from avgdt.synthetic.voices import Voice

_ATTACK = 0.0015  # seconds in which a struck note rises
_RISEN = 38 * _ATTACK  # exp(-38) is lost beside 1
_CLICK = 0.004  # seconds in which the noise of the contact fades
_FADED = 80 * _CLICK  # exp(-80) is lost beside the note


class Synth:
    """One voice over one recording; sounds are float64 (samples,), full scale about 1."""

    def __init__(self, voice: Voice, seconds: float, sample_rate: int, generator: np.random.Generator) -> None:
        self.voice = voice
        self.sample_rate = sample_rate
        self.times: Floats = np.arange(round(seconds * sample_rate)) / sample_rate
        """Seconds at each sample."""
        self._generator = generator
        self._breath = 1 + voice.breath * (2.2 * smooth_noise(generator, self.times.size, sample_rate, 45.0) - 1)

    def sustain(self, pitch: Floats, loudness: Floats) -> Floats:
        """A held note: ``pitch`` relative to the voice's and ``loudness``, both (samples,)."""
        phase = np.cumsum(self.voice.pitch * pitch)
        phase *= 2 * np.pi
        phase /= self.sample_rate
        sound = self._carrier(phase)
        sound *= self._breath
        air = self._generator.standard_normal(out=phase)
        air *= 0.5 * self.voice.air
        sound += air
        sound *= loudness
        return sound

    def strike(self, times: Floats, strengths: Floats, pitches: Floats | float = 1.0, glide: float = 0.0) -> Floats:
        """Notes struck at ``times`` (seconds) with ``strengths`` and ``pitches`` relative to the voice's, which rise by
        ``glide`` octaves within one decay."""
        sound = np.zeros(self.times.size)
        decay = self.voice.decay
        length = round(6 * decay * self.sample_rate)
        for time, strength, pitch in np.broadcast(times, strengths, pitches):
            first = int(np.ceil(time * self.sample_rate))
            skipped = max(-first, 0)
            count = min(length - skipped, sound.size - first - skipped)
            if count <= 0:
                continue
            age = (np.arange(skipped, skipped + count) + first) / self.sample_rate - time
            fall = np.exp(-age / decay)
            phase = 2 * np.pi * self.voice.pitch * pitch * age
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
            contact *= 3 * self.voice.air * np.exp(-age[:heard] / _CLICK)
            note[:heard] += contact
            note *= strength
            sound[span] += note
        return sound

    def _carrier(self, phase: Floats) -> Floats:
        total, partial = np.zeros(phase.size), np.empty(phase.size)
        for number, (ratio, weight) in enumerate(zip(self.voice.ratios, self.voice.weights, strict=True)):
            np.multiply(phase, ratio, out=partial)
            partial += number
            np.sin(partial, out=partial)
            partial *= weight
            total += partial
        total /= np.linalg.norm(self.voice.weights)
        return total


def smooth_noise(generator: np.random.Generator, samples: int, sample_rate: int, bandwidth: float) -> Floats:
    """Gaussian noise of unit spread below ``bandwidth`` Hz, (samples,)."""
    spectrum = np.zeros(samples // 2 + 1, np.complex128)
    count = min(max(int(3 * bandwidth * samples / sample_rate), 2), spectrum.size)
    shape = np.exp(-0.5 * (np.arange(count) * sample_rate / samples / bandwidth) ** 2)
    spectrum[:count] = shape * (generator.standard_normal(count) + 1j * generator.standard_normal(count))
    noise = np.fft.irfft(spectrum, samples)
    return np.asarray(noise / noise.std())
