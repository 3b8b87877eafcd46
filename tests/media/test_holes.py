"""Tests of files with zeroed or removed bytes in the middle: lost or misplaced content raises an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avgdt.media.errors import Corrupt
from avgdt.media.recording import Recording
from tests.helpers.media_files import board_indices, evenly, noise, write_media

SECONDS = 8


def zero(path: Path) -> None:
    content = bytearray(path.read_bytes())
    begin, end = len(content) * 4 // 10, len(content) * 6 // 10
    content[begin:end] = bytes(end - begin)
    path.write_bytes(bytes(content))


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 4 // 10 + 1] + content[len(content) * 6 // 10 :])


@pytest.mark.parametrize("damage", [zero, cut])
@pytest.mark.parametrize(
    ("name", "video", "codec"),
    [
        ("a.avi", "mpeg4", "libmp3lame"),
        ("b.avi", "mjpeg", "pcm_s16le"),
        ("a.ts", "libx264", "aac"),
        ("a.ogg", None, "libopus"),
        ("a.flac", None, "flac"),
        ("a.mkv", "libx264", "aac"),
    ],
)
def test_reads_give_the_right_content_or_an_error(
    tmp_path: Path, name: str, video: str | None, codec: str, damage: Callable[[Path], None]
) -> None:
    if name == "a.mkv" and damage is cut:
        pytest.skip("a part cut out of a Matroska file cannot be distinguished from a long frame")
    path, b_frames = tmp_path / name, 2 if name == "a.mkv" else 0
    times = None if video is None else evenly(25 * SECONDS)
    write_media(
        path,
        times,
        noise(SECONDS, 48000) // 4,
        sample_rate=48000,
        audio_codec=codec,
        video_codec=video or "",
        b_frames=b_frames,
    )

    def waveform(at: float) -> np.ndarray | None:
        with Recording(path) as recording:
            try:
                read = recording.waveform(at, 0.5, 8000)
            except Corrupt:
                return None
            return None if read.end is not None else read.samples

    def images(at: float) -> list[int] | None:
        with Recording(path) as recording:
            try:
                read = recording.frames([at + i / 10 for i in range(5)], 48, 64)
            except Corrupt:
                return None
            return None if read.end is not None else board_indices(read.pixels)

    places = [0.5 * i for i in range(2 * SECONDS)]
    whole = {at: (waveform(at), images(at) if video else None) for at in places}
    damage(path)
    good = 0
    for at in places:
        audio, indices = waveform(at), images(at) if video else None
        assert indices is None or indices == whole[at][1], at
        before = whole[at][0]
        assert audio is None or before is None or np.abs(audio - before).mean() < 100, at
        good += audio is not None
    assert 2 <= good <= len(places) - 3
