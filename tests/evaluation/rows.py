"""Manifest rows for tests that do not read media files."""

from __future__ import annotations

from pathlib import Path

from avgdt.data.manifest import Entry


def row(name: str = "a.mp4", **extra: str) -> Entry:
    """Return the entry of a valid recording of three seconds with video, audio and the columns ``extra``."""
    return Entry(
        path=Path(name),
        duration=3.0,
        frame_rate=25.0,
        width=64,
        height=48,
        sample_rate=24000,
        has_video=True,
        has_audio=True,
        video_start=0.0,
        video_end=3.0,
        audio_start=0.0,
        audio_end=3.0,
        error="",
        extra=extra,
    )
