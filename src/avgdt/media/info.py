"""What is known of a recording without decoding all of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Info:
    """A recording's streams on one presentation timeline, in seconds, whose zero is where presentation starts."""

    path: Path
    """The file."""
    duration: float
    """Seconds from zero to where the last stream ends."""
    has_video: bool
    """Whether there is a picture."""
    has_audio: bool
    """Whether there is sound."""
    frame_rate: float | None = None
    """Average frames per second (frames need not be evenly spaced)."""
    width: int | None = None
    """Width of the upright picture in pixels."""
    height: int | None = None
    """Height of the upright picture in pixels."""
    sample_rate: int | None = None
    """Native samples per second."""
    channels: int | None = None
    """Channels of sound."""
    video_start: float | None = None
    """When the first frame appears."""
    video_end: float | None = None
    """When the last frame disappears."""
    audio_start: float | None = None
    """When the first sample sounds."""
    audio_end: float | None = None
    """When the sound ends."""
