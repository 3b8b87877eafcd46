"""Tests of the common timeline of video and audio, for containers with different clocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avgdt.media.recording import Recording
from tests.helpers.media_files import board_indices, evenly, noise, tone, write_media


def shift_first_edit(path: Path, seconds: float, timescale: int = 90000) -> Path:
    """Make the first edit of an MP4 file start ``seconds`` later in its track, in place."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4 + 4 + 4 + 4  # version and flags, count and duration are followed by the media time
    begin = int.from_bytes(data[at : at + 4], "big")
    data[at : at + 4] = (begin + round(seconds * timescale)).to_bytes(4, "big")
    path.write_bytes(bytes(data))
    return path


def test_an_edit_list_removes_the_beginning(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(75), key_every=20)
    shift_first_edit(path, 0.48)  # frame 12, in the middle of a group of pictures
    with Recording(path) as recording:
        assert recording.info.video_start == pytest.approx(0, abs=1e-6)
        frames = recording.frames([-1, 0.0, 0.041, 0.5, 1.0], 24, 32)
    assert board_indices(frames.pixels) == [12, 12, 13, 24, 37]
    assert frames.times.tolist() == pytest.approx([0, 0, 0.04, 0.48, 1.0])


def test_audio_and_video_stay_aligned_with_an_edit_list(tmp_path: Path) -> None:
    waveform = noise(3, 16000)
    path = write_media(tmp_path / "a.mp4", evenly(75), waveform, key_every=20)
    shift_first_edit(path, 0.48)
    with Recording(path) as recording:
        assert recording.info.audio_start == 0
        assert np.array_equal(recording.waveform(1.0, 0.5, 16000).samples, waveform[0, 16000:24000])
        assert board_indices(recording.frames([1.0], 24, 32).pixels) == [37]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.flv"])
def test_time_zero_is_the_start_of_the_presentation(tmp_path: Path, name: str) -> None:
    """The time stamps of a recording that was cut from a longer one may start later than zero."""
    path = write_media(
        tmp_path / name,
        [100 + t for t in evenly(50)],
        tone(2, 44100, 440),
        audio_start=100,
        audio_codec="aac",
        sample_rate=44100,
    )
    with Recording(path) as recording:
        info = recording.info
        assert min(info.video_start, info.audio_start) == 0
        assert max(info.video_start, info.audio_start) < 0.15
        assert info.video_end - info.video_start == pytest.approx(2, abs=0.09)
        assert board_indices(recording.frames([info.video_start + 1.0 + 1e-3], 24, 32).pixels) == [25]


@pytest.mark.parametrize(
    ("name", "codec", "rate"), [("a.webm", "libopus", 48000), ("a.mkv", "aac", 44100), ("a.mp4", "aac", 44100)]
)
def test_codec_delay_is_not_presented(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    video = "libvpx-vp9" if name == "a.webm" else "libx264"
    click = np.zeros((1, 2 * rate), dtype=np.int16)
    click[0, rate : rate + 400] = 20000  # exactly one second after the beginning
    path = write_media(tmp_path / name, evenly(50), click, video_codec=video, audio_codec=codec, sample_rate=rate)
    with Recording(path) as recording:
        assert recording.info.video_start == 0
        assert recording.info.audio_start == pytest.approx(0, abs=1e-3)
        samples = recording.waveform(0.5, 1.0, rate).samples
    rise = np.flatnonzero(samples > 10000)[0]
    assert rise / rate + 0.5 == pytest.approx(1.0, abs=1e-3)


def test_info_contains_times_and_rates(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(50), noise(2.5, 16000, 2), size=(48, 80))
    with Recording(path) as recording:
        info = recording.info
    assert (info.path, info.has_video, info.has_audio) == (path, True, True)
    assert (info.width, info.height, info.frame_rate) == (80, 48, 25.0)
    assert (info.sample_rate, info.channels) == (16000, 2)
    assert (info.video_start, info.audio_start) == (0, 0)
    assert info.video_end == pytest.approx(2.0)
    assert info.audio_end == pytest.approx(2.5)
    assert info.duration == pytest.approx(2.5)
