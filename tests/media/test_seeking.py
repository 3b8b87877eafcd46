"""Tests of seeking: audio read after a seek equals the same samples of the complete file."""

from __future__ import annotations

import random
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from avgdt.media import container
from avgdt.media.recording import Recording
from tests.helpers.media_files import write_media
from tests.helpers.vorbis_file import write_vorbis

SECONDS = 5


def varied(rate: int) -> NDArray[np.int16]:
    """Return a rising tone with clicks, (1, samples) int16."""
    t = np.arange(SECONDS * rate) / rate
    waveform = 6000 * np.sin(2 * np.pi * (200 + 150 * t) * t)
    draw = random.Random(1)
    for _ in range(25):
        at = draw.randrange(len(t) - 200)
        waveform[at : at + 200] += 20000 * np.exp(-np.arange(200) / 20)
    return np.round(waveform).clip(-32768, 32767).astype(np.int16)[None]


def assert_spans_are_parts(path: Path, rate: int, tolerance: float = 0.0) -> None:
    """Check that spans read from an open or a newly opened recording equal parts of the complete waveform."""
    draw = random.Random(0)
    with Recording(path) as recording:
        waveform = recording.waveform(0, SECONDS, rate).samples  # up to the end of the file
        assert np.abs(waveform).max() > 1000
        starts = [4.4, *(draw.uniform(0.05, SECONDS - 0.5) for _ in range(15))]
        for start in starts:
            first = round(start * rate)
            part = waveform[first : first + round(0.4 * rate)]
            assert np.abs(recording.waveform(start, 0.4, rate).samples - part).max() <= tolerance, start
            with Recording(path) as fresh:
                assert np.abs(fresh.waveform(start, 0.4, rate).samples - part).max() <= tolerance, start


@pytest.mark.parametrize(
    ("name", "codec", "rate", "tolerance"),
    [
        ("a.ogg", "libopus", 48000, 1.0),
        ("a.mka", "libopus", 48000, 1.0),
        ("a.mp3", "libmp3lame", 44100, 0.01),
        ("a.mp4", "aac", 44100, 0.01),
        ("a.aac", "aac", 44100, 0.01),
        ("a.ogg", "flac", 44100, 0.0),
        ("a.flac", "flac", 44100, 0.0),
        ("a.wav", "pcm_s16le", 24000, 0.0),
    ],
)
def test_spans_equal_parts_of_the_complete_waveform(
    tmp_path: Path, name: str, codec: str, rate: int, tolerance: float
) -> None:
    # AAC may store only the level of noise: the decoder then generates noise that depends on where decoding started.
    options = {"aac_pns": "0"} if codec == "aac" else {}
    waveform = varied(rate)
    path = write_media(tmp_path / name, None, waveform, sample_rate=rate, audio_codec=codec, audio_options=options)
    assert_spans_are_parts(path, rate, tolerance)


@pytest.mark.parametrize("rate", [24000, 44100])
@pytest.mark.parametrize("late_page", [None, 3])
def test_vorbis_of_long_and_short_blocks_is_exact_after_a_seek(
    tmp_path: Path, rate: int, late_page: int | None
) -> None:
    path = write_vorbis(tmp_path / "a.ogg", SECONDS, rate, late_page=late_page)
    assert_spans_are_parts(path, rate)
    with av.open(str(path)) as container:  # without gaps between the blocks
        decoded = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]) * 32768
    with Recording(path) as recording:
        assert np.array_equal(recording.waveform(0, SECONDS, rate).samples, decoded[: SECONDS * rate])


def test_large_vorbis_files_are_exact_after_a_seek(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "SEQUENTIAL_BYTES", 0)
    assert_spans_are_parts(write_vorbis(tmp_path / "a.ogg", SECONDS, 24000), 24000)
