"""Tests of reading the audio of a time span: exact samples, from any start time."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from avgdt.media.errors import Corrupt
from avgdt.media.recording import Recording
from tests.helpers.full_decode import all_samples
from tests.helpers.media_files import evenly, noise, tone, write_media, write_wav

LOSSLESS = [
    ("a.mp4", "flac", 16000),
    ("a.mp4", "alac", 44100),
    ("a.mov", "pcm_s16le", 44100),
    ("a.mkv", "flac", 44100),  # time stamps in whole milliseconds, which do not coincide with samples
    ("a.mkv", "pcm_s16le", 11025),
    ("a.mka", "alac", 44100),
    ("a.avi", "pcm_s16le", 22050),
    ("a.wav", "pcm_s16le", 24000),
    ("a.flac", "flac", 48000),
]
SOUND_ALONE = ("a.mka", "a.wav", "a.flac")


@pytest.mark.parametrize(
    ("name", "codec", "rate", "picture"),
    [(*case, False) for case in LOSSLESS] + [(*case, True) for case in LOSSLESS if case[0] not in SOUND_ALONE],
)
def test_samples_at_the_original_rate_are_exact(
    tmp_path: Path, name: str, codec: str, rate: int, picture: bool
) -> None:
    waveform = noise(3, rate)
    times = evenly(75) if picture else None
    path = write_media(tmp_path / name, times, waveform, sample_rate=rate, audio_codec=codec)
    draw = random.Random(0)
    with Recording(path) as recording:
        for start in [0.0, *(draw.uniform(0, 2.5) for _ in range(12))]:
            window = recording.waveform(start, 0.4, rate)
            first = round(start * rate)
            assert window.start == first / rate
            assert window.samples.dtype == np.float32
            assert np.array_equal(window.samples, waveform[0, first : first + round(0.4 * rate)])


@pytest.mark.parametrize("start", [-0.75, 1.5, -3.0, 7.0])
def test_samples_outside_the_audio_are_zero(tmp_path: Path, start: float) -> None:
    waveform = noise(2, 16000)
    path = write_media(tmp_path / "a.mp4", evenly(100), waveform)
    padded = np.pad(waveform[0], (80000, 160000))
    with Recording(path) as recording:
        samples = recording.waveform(start, 1.0, 16000).samples
    begin = 80000 + round(start * 16000)
    assert np.array_equal(samples, padded[begin : begin + 16000])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("late", [0.5, 1.234])
def test_audio_that_starts_after_the_video_is_aligned(tmp_path: Path, name: str, late: float) -> None:
    waveform = noise(2, 16000)
    path = write_media(tmp_path / name, evenly(75), waveform, audio_start=late)
    with Recording(path) as recording:
        assert recording.info.audio_start == pytest.approx(late, abs=1e-3)
        samples = recording.waveform(0, 3, 16000).samples
        middle = recording.waveform(1.6, 0.5, 16000).samples
    first = round(late * 16000)
    expected = np.concatenate([np.zeros(first), waveform[0], np.zeros(16000)])
    assert np.array_equal(samples, expected[:48000])
    assert np.array_equal(middle, expected[25600:33600])


def test_video_that_starts_after_the_audio_is_aligned(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", [1 + t for t in evenly(50)], noise(3, 16000))
    with Recording(path) as recording:
        assert recording.info.video_start == pytest.approx(1.0)
        assert recording.info.audio_start == 0
        assert recording.frames([0.0, 1.5], 24, 32).times.tolist() == pytest.approx([1.0, 1.48])


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_gaps_are_zero(tmp_path: Path, name: str) -> None:
    waveform = noise(3, 16000)
    codec = "pcm_s16le" if name == "a.mkv" else "alac"
    path = write_media(tmp_path / name, None, waveform, audio_codec=codec, gaps=[(1.024, 0.5), (2.048, 0.03)])
    blocks = np.split(waveform[0], [16384, 32768])
    expected = np.concatenate([blocks[0], np.zeros(8000), blocks[1], np.zeros(480), blocks[2]])
    with Recording(path) as recording:
        assert np.array_equal(recording.waveform(0, 3.5, 16000).samples, expected[:56000])
        for start in (0.9, 1.2, 1.51, 1.6, 2.5, 2.56, 2.6):
            first = round(start * 16000)
            got = recording.waveform(start, 0.2, 16000).samples
            assert np.array_equal(got, expected[first : first + 3200]), start


def test_mono_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    for channels in (2, 6):
        waveform = noise(1, 16000, channels)
        path = write_media(tmp_path / f"{channels}.mkv", None, waveform, audio_codec="pcm_s16le")
        with Recording(path) as recording:
            assert recording.info.channels == channels
            samples = recording.waveform(0.25, 0.5, 16000).samples
        assert np.allclose(samples, waveform[:, 4000:12000].mean(axis=0), atol=1e-2)


@pytest.mark.parametrize(
    ("native", "rate"), [(44100, 24000), (16000, 24000), (48000, 24000), (22050, 16000), (11127, 24000)]
)
def test_a_resampled_tone_keeps_its_frequency(tmp_path: Path, native: int, rate: int) -> None:
    path = write_wav(tmp_path / "a.wav", tone(3, native, 440), native)
    with Recording(path) as recording:
        for start in (0.3, 1.23456, 2.0):
            waveform = recording.waveform(start, 0.5, rate)
            t = waveform.start + np.arange(rate // 2) / rate
            assert len(waveform.samples) == rate // 2
            assert abs(waveform.start - start) <= 0.5 / rate
            assert np.abs(waveform.samples - 10000 * np.sin(2 * np.pi * 440 * t)).max() < 12  # an error of 0.12 %


def test_frequencies_above_the_nyquist_frequency_are_filtered_out(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(2, 48000, 9000), 48000)
    with Recording(path) as recording:
        assert np.abs(recording.waveform(0.5, 1, 16000).samples).max() < 30  # of an amplitude of 10000


@pytest.mark.parametrize(("native", "rate"), [(44100, 24000), (16000, 22050)])
def test_a_resampled_sample_does_not_depend_on_the_span(tmp_path: Path, native: int, rate: int) -> None:
    path = write_wav(tmp_path / "a.wav", noise(3, native), native)
    with Recording(path) as recording:
        whole = recording.waveform(0, 3, rate).samples
        for start in (0.0, 0.1 + 1 / 3, 1.7, 2.3):
            waveform = recording.waveform(start, 0.5, rate)
            first = round(waveform.start * rate)
            assert np.allclose(waveform.samples, whole[first : first + round(0.5 * rate)], atol=0.05)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "tolerance"),
    [
        ("a.mp4", "aac", 44100, 1e-3),
        ("a.mkv", "libopus", 48000, 1e-3),
        ("a.webm", "libopus", 48000, 1e-3),
        ("a.mkv", "libmp3lame", 44100, 1e-3),
        ("a.mp3", "libmp3lame", 44100, 1e-3),
        ("a.aac", "aac", 44100, 1e-3),
        ("a.ts", "aac", 44100, 1e-3),
        ("a.avi", "adpcm_ms", 22050, 1e-6),
        ("a.ogg", "flac", 44100, 1e-6),
    ],
)
def test_lossy_audio_equals_a_full_decode(tmp_path: Path, name: str, codec: str, rate: int, tolerance: float) -> None:
    waveform = tone(4, rate, 330) + tone(4, rate, 1337, 5000)
    path = write_media(tmp_path / name, None, waveform, sample_rate=rate, audio_codec=codec)
    start, native, track = all_samples(path)
    draw = random.Random(0)
    with Recording(path) as recording:
        track = np.pad(track, (round((float(start) - recording._zero) * native), 0))
        for at in [draw.uniform(0, 3.4) for _ in range(12)]:
            samples = recording.waveform(at, 0.5, native).samples
            first = round(at * native)
            assert np.abs(samples - track[first : first + len(samples)]).max() <= tolerance * 16000, at
    # The decoded file contains the written tone at the right time.
    t = np.arange(native, 2 * native) / native
    written = 10000 * np.sin(2 * np.pi * 330 * t) + 5000 * np.sin(2 * np.pi * 1337 * t)
    assert np.corrcoef(track[native : 2 * native], written)[0, 1] > 0.99 or name in ("a.mp3", "a.aac", "a.ts")


def test_nan_samples_raise_an_error(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.wav", None, noise(1, 16000), audio_codec="pcm_f32le")
    data = bytearray(path.read_bytes())
    data[-8000:-7996] = np.float32(np.nan).tobytes()
    path.write_bytes(bytes(data))
    with Recording(path) as recording:
        recording.waveform(0, 0.5, 16000)
        with pytest.raises(Corrupt, match="not finite numbers"):
            recording.waveform(0.5, 0.5, 16000)
