"""Tests that windows of audio equal the same part of the complete waveform bit for bit, in every audio codec."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avgdt.media.recording import Recording
from tests.helpers.media_files import write_media

SECONDS = 5

CODECS = [
    ("a.mp4", "aac", 44100),
    ("a.aac", "aac", 44100),
    ("a.mkv", "aac", 24000),
    ("a.mp3", "libmp3lame", 44100),
    ("a.mkv", "libmp3lame", 44100),
    ("a.ogg", "libopus", 48000),
    ("a.webm", "libopus", 48000),
    ("a.mka", "opus", 48000),
    ("a.ogg", "vorbis", 44100),
    ("a.mkv", "vorbis", 44100),
    ("a.flac", "flac", 44100),
    ("a.m4a", "alac", 44100),
    ("a.tta", "tta", 44100),
    ("a.wv", "wavpack", 44100),
    ("a.ac3", "ac3", 48000),
    ("a.mkv", "ac3", 48000),
    ("a.mkv", "eac3", 48000),
    ("a.mkv", "mp2", 44100),
    ("a.wma", "wmav1", 44100),
    ("a.wma", "wmav2", 44100),
    ("a.wav", "adpcm_ms", 22050),
    ("a.wav", "adpcm_ima_wav", 22050),
    ("a.mov", "adpcm_ima_qt", 44100),
    ("a.flv", "adpcm_swf", 22050),
    ("a.flv", "nellymoser", 44100),
    ("a.wav", "g726", 8000),
    ("a.mkv", "real_144", 8000),
    ("a.wav", "pcm_s16le", 24000),
    ("a.wav", "pcm_alaw", 8000),
    ("a.mkv", "pcm_f32le", 24000),
]


def noisy(rate: int, channels: int) -> NDArray[np.int16]:
    """Return a rising tone plus noise of growing loudness, (channels, samples); codecs may replace the noise."""
    t = np.arange(SECONDS * rate) / rate
    hiss = np.random.default_rng(0).normal(0, 800, len(t)) * (1 + np.sin(2 * t))
    waveform = 5000 * np.sin(2 * np.pi * (200 + 150 * t) * t) + hiss
    return np.stack([np.round(waveform * (1 - 0.2 * c)).astype(np.int16) for c in range(channels)])


@pytest.mark.parametrize(("name", "codec", "rate"), CODECS, ids=[f"{codec}-{name}" for name, codec, _ in CODECS])
def test_a_window_equals_the_same_part_of_the_complete_waveform(
    tmp_path: Path, name: str, codec: str, rate: int
) -> None:
    options = {"strict": "-2"} if codec in ("opus", "vorbis") else {}
    if codec in ("aac", "wmav1", "wmav2", "libopus", "libmp3lame"):
        options["b"] = "128000" if codec.startswith("wma") else "64000"
    stereo = codec in ("aac", "ac3", "libmp3lame", "opus", "vorbis")
    waveform = noisy(rate, 2 if stereo else 1)
    path = write_media(tmp_path / name, None, waveform, sample_rate=rate, audio_codec=codec, audio_options=options)
    for requested_rate in (rate, 16000):
        with Recording(path) as recording:
            waveform = recording.waveform(0, SECONDS, requested_rate).samples
        assert np.abs(waveform).max() > 1000
        draw = random.Random(0)
        with Recording(path) as recording:
            for start in [4.4, 0.02, *(draw.uniform(0, SECONDS - 0.5) for _ in range(6))]:
                first = round(start * requested_rate)
                part = recording.waveform(start, 0.4, requested_rate).samples
                assert np.array_equal(part, waveform[first : first + len(part)]), (start, requested_rate)
