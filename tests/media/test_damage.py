"""Tests of damaged files: a read returns correct content or raises an error, independently of earlier reads."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from avgdt.data.inspection import inspect
from avgdt.media.errors import Corrupt
from avgdt.media.recording import Recording
from tests.helpers.damage import drop_packets, zero_packets
from tests.helpers.full_decode import all_frames, on_screen
from tests.helpers.media_files import board, board_indices, evenly, noise, write_media, write_wav

FRAMES = 150

WRITERS = {
    "mp4 h264": {"path": "a.mp4"},
    "mkv h264": {"path": "a.mkv", "b_frames": 3},
    "avi mpeg4": {"path": "a.avi", "video_codec": "mpeg4"},
    "mp4 hevc": {"path": "a.mp4", "video_codec": "libx265", "video_options": {"x265-params": "log-level=none"}},
    "mp4 mpeg2": {"path": "a.mp4", "video_codec": "mpeg2video"},
    "webm vp8": {"path": "a.webm", "video_codec": "libvpx", "video_options": {"deadline": "realtime", "cpu-used": "8"}},
    "mov mjpeg": {"path": "a.mov", "video_codec": "mjpeg", "b_frames": 0},
    "flv": {"path": "a.flv", "video_codec": "flv", "b_frames": 0},
}


@pytest.mark.parametrize("name", WRITERS)
def test_no_other_frame_is_returned_in_place_of_a_damaged_one(tmp_path: Path, name: str) -> None:
    options = dict(WRITERS[name])
    whole = write_media(tmp_path / options.pop("path"), evenly(FRAMES), **options)
    path = zero_packets(whole, lambda i, n: 0.3 * n <= i < 0.7 * n, tmp_path / f"damaged{whole.suffix}")
    entry = inspect(path)
    assert entry.error == ""
    assert entry.video_end == pytest.approx(inspect(whole).video_end, abs=1e-3)
    read, damaged = [], []
    with Recording(path) as recording:
        start = recording.info.video_start
        for index in [*range(0, FRAMES, 4), *range(FRAMES - 1, 0, -7)]:
            try:
                shown = board_indices(recording.frames([start + (index + 0.1) / 25], 24, 32).pixels)
            except Corrupt:
                damaged.append(index)
            else:
                assert shown == [index]
                read.append(index)
        with pytest.raises(Corrupt, match=r"its video is damaged at 1\.[78] s"):
            recording.frames([start + k / 30 for k in range(45, 75)], 24, 32)
    # Frames before the damage can be read, as can frames from the next keyframe on (one in 12, plus B-frames).
    assert max(i for i in read if i < 60) >= 36
    assert min(i for i in read if i > 75) <= 124
    assert set(range(52, 100, 4)) <= set(damaged)


@pytest.mark.parametrize("name", ["mp4 h264", "avi mpeg4"])
def test_frames_that_depend_on_a_damaged_reference_frame_raise_errors(tmp_path: Path, name: str) -> None:
    options = dict(WRITERS[name])
    options["video_options"] = {"x264-params": "scenecut=0"} if "h264" in name else {"sc_threshold": "1000000000"}
    whole = write_media(tmp_path / options.pop("path"), evenly(72), b_frames=0, key_every=24, **options)
    path = zero_packets(whole, lambda i, n: i == 30, tmp_path / f"damaged{whole.suffix}")
    outcome = []
    with Recording(path) as recording:
        start = recording.info.video_start
        for index in range(72):
            try:
                assert board_indices(recording.frames([start + (index + 0.1) / 25], 24, 32).pixels) == [index]
                outcome.append(index)
            except Corrupt:
                continue
    assert set(range(30)) - set(outcome) <= {29}
    assert not set(outcome) & set(range(30, 48))
    assert set(range(49, 72)) <= set(outcome)


def test_a_read_does_not_depend_on_earlier_reads(tmp_path: Path) -> None:
    intact = write_media(tmp_path / "a.mp4", evenly(FRAMES))
    path = zero_packets(intact, lambda i, n: i in (31, 60, 61, 97), tmp_path / "b.mp4")

    def outcome(recording: Recording, index: int) -> object:
        try:
            return board_indices(recording.frames([index / 25 + 0.001], 24, 32).pixels)[0]
        except Corrupt as error:
            return error.reason

    fresh = []
    for index in range(0, FRAMES, 3):
        with Recording(path) as recording:
            fresh.append(outcome(recording, index))
    with Recording(path) as recording:
        again = [outcome(recording, index) for index in reversed(range(0, FRAMES, 3))][::-1]
    assert fresh == again
    assert 30 < sum(isinstance(one, int) for one in fresh) < 48


def test_frames_after_missing_frames_are_right_or_raise_an_error(tmp_path: Path) -> None:
    options = {"x264-params": "scenecut=0:b-adapt=0"}
    intact = write_media(tmp_path / "a.mkv", evenly(75), b_frames=3, key_every=100, video_options=options)
    path = drop_packets(intact, lambda i: i in (20, 21, 33, 34, 35, 50, 58, 59), tmp_path / "b.mkv")
    oracle = all_frames(path, 20, 36)
    wrong = right = 0
    with Recording(path) as recording:
        zero = recording._zero
        for k in range(74):
            try:
                frames = recording.frames([k / 25 + 0.001, k / 25 + 0.021], 20, 36)
            except Corrupt:
                continue
            expected = on_screen(oracle, k / 25 + 0.001 + zero)[1]
            right += np.array_equal(frames.pixels[0], expected)
            wrong += not np.array_equal(frames.pixels[0], expected)
    assert not wrong
    assert right > 40


def test_long_frames_are_not_taken_for_damage(tmp_path: Path) -> None:
    for name, times in (("slides.mp4", [0, 4, 5, 11]), ("slow.mkv", evenly(40, 10)), ("short.mp4", evenly(74))):
        path = write_media(tmp_path / name, [Fraction(t) for t in times])
        with Recording(path) as recording:
            requested = [k / 30 for k in range(round(30 * float(times[-1])))]
            expected = [max(i for i, at in enumerate(times) if at <= t + 1e-6) for t in requested]
            assert board_indices(recording.frames(requested, 24, 32).pixels) == expected


def test_a_slide_show_of_large_images_is_not_taken_for_damage(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    images = [draw.integers(0, 255, (96, 128, 3), dtype=np.uint8)] * 3 + [board(9, 96, 128)] * 3
    times = [Fraction(t) for t in (0, 4, 9, 10, 15, 22)]
    path = write_media(tmp_path / "a.mkv", times, noise(23, 16000), size=(96, 128), images=images, b_frames=0)
    with Recording(path) as recording:
        assert recording.frames([k / 2 for k in range(44)], 24, 32).times[-1] == pytest.approx(15)


def test_reads_beyond_the_end_report_the_end(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(50), noise(1.5, 16000))
    with Recording(path) as recording:
        assert recording.frames([1.0, 1.9], 24, 32).end is None
        assert recording.frames([1.0, 1.99], 24, 32).end is None
        assert recording.frames([1.0, 2.01], 24, 32).end == pytest.approx(2.0)
        assert recording.frames([7.0], 24, 32).end == pytest.approx(2.0)
        assert recording.waveform(0.5, 1.0, 16000).end is None
        assert recording.waveform(0.5, 1.1, 16000).end == pytest.approx(1.5)
        assert recording.waveform(9.0, 1.0, 16000).end == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "aac"), ("a.mp4", "libmp3lame"), ("a.mkv", "libmp3lame"), ("a.mkv", "flac")]
)
def test_damaged_audio_raises_an_error_instead_of_silence(tmp_path: Path, name: str, codec: str) -> None:
    whole = write_media(
        tmp_path / name, None, noise(6, 48000) // 4, sample_rate=48000, audio_codec=codec, audio_options={"b": "128000"}
    )
    path = zero_packets(whole, lambda i, n: 0.4 * n <= i < 0.6 * n, tmp_path / f"damaged{whole.suffix}")
    with Recording(whole) as recording:
        good = recording.waveform(0, 6, 48000).samples
    with Recording(path) as recording:
        with pytest.raises(Corrupt, match="its audio is damaged at"):
            recording.waveform(2.5, 1.0, 48000)
        with pytest.raises(Corrupt, match="its audio is damaged at"):
            recording.waveform(0, 6, 48000)
        before = recording.waveform(1.0, 1.0, 48000)
        assert np.array_equal(before.samples, good[48000:96000])
        assert np.abs(recording.waveform(4.6, 1.0, 48000).samples).max() > 1000
    assert inspect(path).error == ""


def test_a_wrong_byte_rate_in_the_header_does_not_shift_samples(tmp_path: Path) -> None:
    waveform = noise(4, 16000)
    path = write_wav(tmp_path / "a.wav", waveform, 16000)
    data = bytearray(path.read_bytes())
    data[28:32] = (40000).to_bytes(
        4, "little"
    )  # bytes per second, which the demuxer uses to seek; the right value is 32000
    path.write_bytes(bytes(data))
    with Recording(path) as recording:
        for start in (2.5, 1.0, 3.0):
            first = round(start * 16000)
            assert np.array_equal(recording.waveform(start, 0.5, 16000).samples, waveform[0, first : first + 8000])


def test_blocks_with_early_time_stamps_do_not_shift_later_blocks(tmp_path: Path) -> None:
    intact = write_media(tmp_path / "a.flac", None, noise(4, 16000))
    data = intact.read_bytes()
    with av.open(str(intact)) as container:
        places = [packet.pos for packet in container.demux() if packet.size]
    path = tmp_path / "b.flac"
    path.write_bytes(data[: places[4]] + data[places[1] : places[4]] + data[places[4] :])  # three blocks are repeated
    with Recording(path) as recording:
        together = recording.waveform(0, 4, 16000).samples
        for start in (0.3, 1.1, 2.7, 3.4):
            first = round(start * 16000)
            assert np.array_equal(recording.waveform(start, 0.5, 16000).samples, together[first : first + 8000]), start


@pytest.mark.parametrize("name", ["a.mkv", "a.flv", "a.mp4"])
def test_zeros_in_the_middle_of_a_file_raise_errors(tmp_path: Path, name: str) -> None:
    draw = np.random.default_rng(0)
    images = [board(i, 48, 64) // 2 + draw.integers(0, 60, (48, 64, 1), dtype=np.uint8) for i in range(FRAMES)]
    intact = write_media(
        tmp_path / name, evenly(FRAMES), noise(6, 44100), sample_rate=44100, audio_codec="aac", images=images
    )
    data = bytearray(intact.read_bytes())
    begin, end = round(0.3 * len(data)), round(0.7 * len(data))
    data[begin:end] = bytes(end - begin)
    path = tmp_path / f"hole_{name}"
    path.write_bytes(bytes(data))
    with Recording(path) as recording:
        start = recording.info.video_start
        assert board_indices(recording.frames([start + 0.5], 24, 32).pixels) == [12]
        with pytest.raises(Corrupt, match="its video is damaged"):
            recording.frames([start + 3.0], 24, 32)
        with pytest.raises(Corrupt, match="its audio is damaged"):
            recording.waveform(3.0, 0.5, 44100)


def test_all_frames_are_decoded_if_some_are_missing(tmp_path: Path) -> None:
    """Non-reference frames before the span may be skipped only if no frame is missing."""
    intact = write_media(
        tmp_path / "a.mp4",
        evenly(100),
        key_every=100,
        b_frames=3,
        video_options={"x264-params": "scenecut=0:b-adapt=0:b-pyramid=none:ref=3"},
    )
    path = drop_packets(intact, lambda i: i in (17, 30, 31, 45), tmp_path / "b.mp4")
    oracle = all_frames(path, 20, 36)
    with Recording(path) as recording:
        zero = recording._zero
        for k in range(50, 98, 3):
            try:
                frames = recording.frames([k / 25 + 0.001], 20, 36)
            except Corrupt:
                continue
            assert np.array_equal(frames.pixels[0], on_screen(oracle, k / 25 + 0.001 + zero)[1]), k
