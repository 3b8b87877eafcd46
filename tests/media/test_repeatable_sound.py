"""Tests that samples depend only on their position, not on where the read starts or on earlier reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avgdt.media.recording import Recording
from tests.helpers.media_files import evenly, noise, write_media

SECONDS = 7.0
CODECS = [
    ("m4a.mp4", "aac", {"aac_pns": "1", "b": "24000"}),
    ("aac.mkv", "aac", {"aac_pns": "1", "b": "24000"}),
    ("a.mp3", "libmp3lame", {}),
    ("a.opus.mkv", "libopus", {}),
    ("a.mkv", "ac3", {}),
    ("a.mpg", "mp2", {}),
    ("a.wma", "wmav2", {"b": "128000"}),
    ("a.flac", "flac", {}),
    ("a.wav", "adpcm_ima_wav", {}),
    ("b.wav", "pcm_s16le", {}),
]


@pytest.mark.parametrize(("name", "codec", "options"), CODECS)
def test_windows_equal_parts_of_one_waveform(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    rate = 48000
    video = evenly(round(25 * SECONDS)) if name.endswith((".mp4", ".mkv", ".mpg")) else None
    path = write_media(
        tmp_path / name,
        video,
        noise(SECONDS, rate) // 4,
        sample_rate=rate,
        audio_codec=codec,
        audio_options=options,
        video_codec="mpeg1video" if name.endswith(".mpg") else "libx264",
        b_frames=0,
    )
    for sample_rate in (rate, 24000):
        with Recording(path) as file:
            waveform = file.waveform(-1.0, SECONDS + 2, sample_rate).samples
        starts = np.random.default_rng(0).uniform(-0.5, SECONDS - 0.5, 12)
        with Recording(path) as again:
            for start in starts:
                first = round(start * sample_rate) + sample_rate
                expected = waveform[first : first + sample_rate]
                with Recording(path) as fresh:
                    np.testing.assert_array_equal(fresh.waveform(start, 1.0, sample_rate).samples, expected)
                np.testing.assert_array_equal(again.waveform(start, 1.0, sample_rate).samples, expected)
