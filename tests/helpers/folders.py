"""Folders of recordings written for a test."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.media_files import evenly, noise, write_media


def write_folder(folder: Path, recordings: int, seconds: float = 1.5) -> Path:
    """Write ``recordings`` MKV files of ``seconds`` seconds, with video at 8 frames per second and audio."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(recordings):
        waveform = noise(seconds, 8000, seed=i)
        write_media(folder / f"{i:02d}.mkv", evenly(round(8 * seconds), 8), waveform, size=(24, 32), sample_rate=8000)
    return folder
