"""Time that is never quite regular: smooth random curves and a drifting tempo."""

from __future__ import annotations

import numpy as np

from avgdt.synthetic.arrays import Floats

_STEP = 0.002  # seconds between the knots of an integrated tempo: far below a frame
_LEAD = 2.0  # seconds before zero that a tempo covers, so that what began earlier is still under way


class Drift:
    """A smooth random curve over time with values within about -1 to 1."""

    def __init__(self, generator: np.random.Generator, slowest: float = 0.07, fastest: float = 0.3) -> None:
        """Three sinusoids with frequencies (Hz) between ``slowest`` and ``fastest``."""
        self._frequencies = generator.uniform(slowest, fastest, 3)
        self._phases = generator.uniform(0, 2 * np.pi, 3)
        weights = generator.uniform(0.5, 1.0, 3)
        self._weights = weights / weights.sum() * 1.4

    def __call__(self, times: Floats | float) -> Floats:
        """The curve at ``times`` in seconds, the same shape."""
        angles = 2 * np.pi * np.multiply.outer(times, self._frequencies) + self._phases
        # Not a matrix product: its last bit may depend on the machine's cores.
        return np.asarray((np.sin(angles) * self._weights).sum(axis=-1))


class Tempo:
    """Beats whose rate drifts: ``rate`` times 2 to the power of ``depth`` times a random curve."""

    def __init__(
        self,
        generator: np.random.Generator,
        rate: float,
        seconds: float,
        depth: float = 0.5,
        fastest: float = 0.3,
    ) -> None:
        """``rate`` in beats per second; ``depth`` in octaves; ``fastest`` in Hz is that of the drift; defined up to
        ``seconds``."""
        drift = Drift(generator, fastest=fastest)
        self._times = np.arange(-_LEAD, seconds + _LEAD, _STEP)
        self._rates = rate * 2 ** (depth * drift(self._times))
        self._phases = np.cumsum(self._rates) * _STEP + generator.uniform()
        self._phases -= np.floor(self._phases[0])

    def phase(self, times: Floats | float) -> Floats:
        """Beats passed at ``times``: a whole number at each beat."""
        return np.asarray(np.interp(times, self._times, self._phases))

    def rate(self, times: Floats | float) -> Floats:
        """Beats per second at ``times``."""
        return np.asarray(np.interp(times, self._times, self._rates))

    def time(self, phases: Floats | float) -> Floats:
        """The times at which ``phases`` beats have passed."""
        return np.asarray(np.interp(phases, self._phases, self._times))

    def beats(self) -> Floats:
        """The whole numbers of beats that fall into the curve's time, as phases."""
        return np.arange(np.ceil(self._phases[0]), np.floor(self._phases[-1]) + 1)


def ease(share: Floats | float) -> Floats:
    """A smooth way from 0 to 1 with rest at both ends (cubic), clipped outside."""
    x = np.clip(share, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
