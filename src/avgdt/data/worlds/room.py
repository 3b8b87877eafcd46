"""From the sound of a cause to what a microphone records: colouring, echo, background noise, level."""

from __future__ import annotations

import numpy as np

from avgdt.data.worlds.arrays import Floats
from avgdt.data.worlds.nuisances import Acoustics

_CEILING = 0.97  # full scale that nothing passes


def _tilt(frequencies: Floats, decibels: float) -> Floats:
    """Gain at ``frequencies`` that changes by ``decibels`` per octave, 1 at 1 kHz, level beyond 60 Hz and 8 kHz."""
    octaves = np.log2(np.clip(frequencies, 60, 8000) / 1000)
    return np.asarray(10 ** (decibels * octaves / 20))


def record(sound: Floats, acoustics: Acoustics, sample_rate: int, generator: np.random.Generator) -> Floats:
    """The recorded sound (samples,), within -1 to 1; onsets stay where they are."""
    samples = sound.size
    padded = 2 * samples
    frequencies = np.fft.rfftfreq(padded, 1 / sample_rate)
    reach = min(round(6 * acoustics.echo_decay * sample_rate), samples)
    response = generator.standard_normal(reach) * np.exp(-np.arange(reach) / (acoustics.echo_decay * sample_rate))
    response *= acoustics.echo / np.linalg.norm(response)
    response[0] += 1.0
    spectrum = np.fft.rfft(sound, padded) * np.fft.rfft(response, padded) * _tilt(frequencies, acoustics.tilt)
    heard = np.fft.irfft(spectrum, padded)[:samples]
    heard /= max(float(np.sqrt(np.mean(heard**2))), 1e-9)
    hiss = np.fft.irfft(np.fft.rfft(generator.standard_normal(padded)) * _tilt(frequencies, acoustics.noise_tilt))
    hiss = hiss[:samples] / np.sqrt(np.mean(hiss**2))
    recorded = (heard + 10 ** (acoustics.noise / 20) * hiss) * 10 ** (acoustics.level / 20)
    return np.asarray(recorded / max(1.0, float(np.abs(recorded).max()) / _CEILING))
