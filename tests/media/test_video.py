"""Tests of reading the frame presented at a given time, in every container and codec."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from avgdt.media.decoder import Decoder
from avgdt.media.recording import Recording
from tests.helpers.full_decode import all_frames, on_screen
from tests.helpers.media_files import board_indices, evenly, write_media

UNEVEN = list(
    itertools.accumulate([Fraction(k, 1000) for k in (0, *(40, 40, 200, 10, 15, 700, 33, 34, 33, 5, 90) * 6)])
)

WRITERS = {
    "mp4": {"path": "a.mp4"},
    "mp4 open GOP": {"path": "a.mp4", "video_options": {"x264-params": "open-gop=1"}, "b_frames": 3},
    "mp4 without edit list": {"path": "a.mp4", "container_options": {"use_editlist": "0"}},
    "mp4 in fragments": {"path": "a.mp4", "container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "mp4 of one GOP": {"path": "a.mp4", "key_every": 500},
    "mp4 without B-frames": {"path": "a.mp4", "b_frames": 0},
    "mp4 hevc": {"path": "a.mp4", "video_codec": "libx265", "video_options": {"x265-params": "log-level=none"}},
    "mkv": {"path": "a.mkv"},
    "webm": {"path": "a.webm", "video_codec": "libvpx-vp9", "video_options": {"deadline": "realtime"}},
    "webm vp8 with hidden frames": {
        "path": "a.webm",
        "video_codec": "libvpx",
        "video_options": {"auto-alt-ref": "1", "lag-in-frames": "16", "deadline": "good", "cpu-used": "8"},
    },
    "ts": {"path": "a.ts"},
    "flv": {"path": "a.flv"},
    "mpg": {"path": "a.mpg", "video_codec": "mpeg1video"},
    "m2v": {"path": "a.m2v", "video_codec": "mpeg2video", "container": "mpeg2video"},
    "raw h264": {"path": "a.h264"},
    "avi h264": {"path": "a.avi"},
    "avi mpeg4": {"path": "a.avi", "video_codec": "mpeg4"},
    "avi mjpeg": {"path": "a.avi", "video_codec": "mjpeg", "b_frames": 0},
    "wmv": {"path": "a.wmv", "video_codec": "msmpeg4", "b_frames": 0},
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_frame_is_found_at_its_time(tmp_path: Path, name: str) -> None:
    options = dict(WRITERS[name])
    path = write_media(tmp_path / options.pop("path"), evenly(60), **options)
    order = list(range(60))
    random.Random(0).shuffle(order)
    for index in order[:25]:  # each frame is read after a separate seek, in random order
        with Recording(path) as recording:
            start = recording.info.video_start
            frames = recording.frames([start + index / 25 + 0.003], 24, 32)
        assert board_indices(frames.pixels) == [index]
        assert frames.times[0] == pytest.approx(start + index / 25, abs=1e-3)


@pytest.mark.parametrize("name", ["mp4", "mkv", "avi h264", "mpg", "ts"])
def test_random_spans_equal_a_full_decode(tmp_path: Path, name: str) -> None:
    options = dict(WRITERS[name])
    path = write_media(tmp_path / options.pop("path"), evenly(80), **options)
    oracle = all_frames(path, 20, 36)
    zero = oracle[0][0]
    draw = random.Random(1)
    with Recording(path) as recording:
        first = recording.info.video_start
        for _ in range(15):
            times = [draw.uniform(-0.3, 3.4) + step * draw.choice([0.01, 1 / 30, 0.2]) for step in range(8)]
            frames = recording.frames(times, 20, 36)
            expected = [on_screen(oracle, t - first + float(zero)) for t in times]
            assert np.array_equal(frames.pixels, np.stack([pixels for _, pixels in expected]))
            assert np.allclose(frames.times, [float(at - zero) + first for at, _ in expected], atol=1e-9)


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_frames_of_a_variable_frame_rate_are_found_at_their_times(tmp_path: Path, ending: str) -> None:
    path = write_media(tmp_path / f"a.{ending}", UNEVEN, b_frames=3, key_every=15)
    requested = [k * 0.0371 for k in range(round(float(UNEVEN[-1]) / 0.0371))]
    expected = [max(i for i, at in enumerate(UNEVEN) if at <= t + 1e-6) for t in requested]
    with Recording(path) as recording:
        together = recording.frames(requested, 24, 32)
        assert board_indices(together.pixels) == expected
        assert np.allclose(together.times, [float(UNEVEN[i]) for i in expected], atol=1e-6)
        for t, index in list(zip(requested, expected, strict=True))[::9]:
            assert board_indices(recording.frames([t], 24, 32).pixels) == [index]


def test_a_frame_is_shown_from_its_time_until_the_next_frame(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(30, 30))
    with Recording(path) as recording:
        assert board_indices(recording.frames([i / 30 for i in range(30)], 24, 32).pixels) == list(range(30))
        assert board_indices(recording.frames([i / 30 - 1e-4 for i in range(1, 30)], 24, 32).pixels) == list(range(29))


def test_times_outside_the_video_give_the_first_or_last_frame(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(20))
    with Recording(path) as recording:
        frames = recording.frames([-5, -1e-3, 0.79, 0.81, 5, 1e9], 24, 32)
        assert board_indices(frames.pixels) == [0, 0, 19, 19, 19, 19]
        assert frames.times.tolist() == pytest.approx([0, 0, 0.76, 0.76, 0.76, 0.76])


def test_times_may_be_unordered_and_far_apart(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(60, 2), key_every=10)
    times = [29.0, 0.5, 12.25, 0.5, 29.5, 3.0]
    with Recording(path) as recording:
        assert board_indices(recording.frames(times, 24, 32).pixels) == [58, 1, 24, 1, 59, 6]
        assert recording.frames([], 24, 32).pixels.shape == (0, 24, 32, 3)


def test_a_video_of_one_frame_is_read(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(1))
    with Recording(path) as recording:
        assert board_indices(recording.frames([0, 1, 2], 24, 32).pixels) == [0, 0, 0]


def test_grey_frames_have_one_full_range_channel(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 48, axis=0).repeat(3, axis=2)
    path = write_media(tmp_path / "a.mp4", evenly(2), images=[ramp, ramp], video_options={"crf": "1"})
    with Recording(path) as recording:
        grey = recording.frames([0], 48, 64, grey=True).pixels
        colour = recording.frames([0], 48, 64).pixels
    assert grey.shape == (1, 48, 64, 1)
    assert np.abs(grey[0, ..., 0].astype(int) - ramp[..., 0]).max() <= 6
    assert np.abs(colour[0].astype(int) - ramp).max() <= 8


def test_non_reference_frames_before_the_span_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_media(
        tmp_path / "a.mp4",
        evenly(100),
        key_every=500,
        b_frames=3,
        video_options={"x264-params": "scenecut=0:b-adapt=0:b-pyramid=none"},
    )
    given = []
    video = Decoder.video
    monkeypatch.setattr(Decoder, "video", lambda self, packet: given.extend(frames := video(self, packet)) or frames)
    with Recording(path) as recording:
        frames = recording.frames([3.6], 24, 32)
        assert recording._container.video.codec_context.thread_count == 1
    assert board_indices(frames.pixels) == [90]
    assert len(given) < 40  # of 91 frames, three in four of which are B-frames


def test_av1_is_exact_after_a_seek(tmp_path: Path) -> None:
    """The AV1 decoder cannot be set to skip frames, or to stop skipping them, in the middle of a stream."""
    path = write_media(
        tmp_path / "a.mkv",
        evenly(150),
        size=(64, 128),
        video_codec="libsvtav1",
        video_options={"preset": "8"},
        key_every=150,
    )
    for start in np.random.default_rng(0).uniform(0, 5, 12):
        times = [start + i / 12.5 for i in range(8)]
        with Recording(path) as recording:
            indices = board_indices(recording.frames(times, 64, 128).pixels)
        assert indices == [int(time * 25 + 1e-6) for time in times]
