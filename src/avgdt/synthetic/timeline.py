"""Random timing: smooth random curves, and beats with a drifting tempo."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
"""Times, waveforms or curves in double precision."""

_STEP = 0.002  # interval between the knots of an integrated tempo in seconds, much shorter than a frame
_LEAD = 2.0  # time in seconds by which a tempo extends beyond both ends of the recording, to include earlier notes


class Drift:
    """A smooth random curve over time, with values mostly from -1 to 1 and always from -1.4 to 1.4."""

    def __init__(self, generator: np.random.Generator, slowest: float = 0.07, fastest: float = 0.3) -> None:
        """Sample three sinusoids with frequencies from ``slowest`` to ``fastest`` (Hz)."""
        self._frequencies = generator.uniform(slowest, fastest, 3)
        self._phases = generator.uniform(0, 2 * np.pi, 3)
        weights = generator.uniform(0.5, 1.0, 3)
        self._weights = weights / weights.sum() * 1.4

    def __call__(self, times: Floats | float) -> Floats:
        """Return the values of the curve at ``times`` (seconds), with the same shape."""
        angles = 2 * np.pi * np.multiply.outer(times, self._frequencies) + self._phases
        # Matrix multiplication is avoided, since its last bit may depend on the number of cores.
        return np.asarray((np.sin(angles) * self._weights).sum(axis=-1))


class Tempo:
    """Beats with the drifting tempo ``frequency * 2 ** (depth * drift)``, where ``drift`` is a random curve."""

    def __init__(
        self,
        generator: np.random.Generator,
        frequency: float,
        seconds: float,
        depth: float = 0.5,
        fastest: float = 0.3,
    ) -> None:
        """Sample the random curve of the tempo.

        ``frequency`` is in beats per second, ``depth`` in octaves; the frequencies of the curve are at most ``fastest``
        (Hz). The tempo is defined from shortly before 0 to shortly after ``seconds``.
        """
        drift = Drift(generator, fastest=fastest)
        self._times = np.arange(-_LEAD, seconds + _LEAD, _STEP)
        self._frequencies = frequency * 2 ** (depth * drift(self._times))
        self._phases = np.cumsum(self._frequencies) * _STEP + generator.uniform()
        self._phases -= np.floor(self._phases[0])

    def phase(self, times: Floats | float) -> Floats:
        """Return the phase at ``times`` (seconds), in beats; it is an integer at each beat."""
        return np.asarray(np.interp(times, self._times, self._phases))

    def frequency(self, times: Floats | float) -> Floats:
        """Return the tempo at ``times`` (seconds), in beats per second."""
        return np.asarray(np.interp(times, self._times, self._frequencies))

    def time(self, phases: Floats | float) -> Floats:
        """Return the times in seconds at which :meth:`phase` has the values ``phases``."""
        return np.asarray(np.interp(phases, self._phases, self._times))

    def beats(self) -> Floats:
        """Return the phases of all beats within the range of the tempo."""
        return np.arange(np.ceil(self._phases[0]), np.floor(self._phases[-1]) + 1)


def ease(fraction: Floats | float) -> Floats:
    """Return the smoothstep of ``fraction``: a cubic from 0 to 1 with zero slope at both ends, constant outside."""
    x = np.clip(fraction, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
