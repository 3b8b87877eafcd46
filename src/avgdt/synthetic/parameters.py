"""Parameters of the synthetic data set: the same parameters give the same files."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 4
"""Version of the renderer, increased whenever pixels or samples change for the same parameters."""


@dataclass(frozen=True)
class Parameters:
    """Everything that the recordings of a synthetic data set depend on."""

    seed: int = 0
    """Seed of all randomness."""
    seconds: float = 6.0
    """Length of a recording in seconds."""
    frame_rate: int = 25
    """Frames per second."""
    height: int = 120
    """Height of a frame in pixels, even."""
    width: int = 160
    """Width of a frame in pixels, even."""
    sample_rate: int = 24000
    """Samples per second (Hz) of the audio, one channel."""
    version: int = VERSION
    """Version of the renderer."""

    @property
    def times(self) -> list[float]:
        """Times of the frames in seconds."""
        return [number / self.frame_rate for number in range(round(self.seconds * self.frame_rate))]
