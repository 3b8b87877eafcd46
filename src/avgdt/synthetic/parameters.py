"""What a world is made of: the same parameters give the same files."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 4
"""Raised whenever the same parameters give other pixels or samples than before."""


@dataclass(frozen=True)
class Parameters:
    """All that decides the recordings of a world."""

    seed: int = 0
    """Seed of all randomness."""
    seconds: float = 6.0
    """Length of a recording."""
    frame_rate: int = 25
    """Frames per second."""
    height: int = 120
    """Rows of the picture, even."""
    width: int = 160
    """Columns of the picture, even."""
    sample_rate: int = 24000
    """Samples per second of the sound, one channel."""
    version: int = VERSION
    """Version of the drawing and the sound."""

    @property
    def times(self) -> list[float]:
        """Of the frames, in seconds."""
        return [number / self.frame_rate for number in range(round(self.seconds * self.frame_rate))]
