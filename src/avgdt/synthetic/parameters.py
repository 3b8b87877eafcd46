"""Parameters of the synthetic data set; equal parameters give equal files."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 4
"""Current version of the renderer, increased whenever pixels or samples change for the same parameters."""


@dataclass(frozen=True)
class Parameters:
    """All parameters that determine the recordings of a synthetic data set."""

    seed: int = 0
    """Seed of all random numbers."""
    seconds: float = 6.0
    """Length of a recording, in seconds."""
    frame_rate: int = 25
    """Number of frames per second."""
    height: int = 120
    """Height of a frame in pixels, an even number."""
    width: int = 160
    """Width of a frame in pixels, an even number."""
    sample_rate: int = 24000
    """Sample rate of the audio in Hz; the audio has one channel."""
    version: int = VERSION
    """Version of the renderer."""

    @property
    def times(self) -> list[float]:
        """Times of the frames of a recording, in seconds."""
        return [number / self.frame_rate for number in range(round(self.seconds * self.frame_rate))]
