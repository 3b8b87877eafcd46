"""Tests of files from which segments were removed: reading raises an error, but not for long frames or silence."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from avgdt.data.inspection import inspect
from avgdt.media.errors import Corrupt
from avgdt.media.recording import Recording
from tests.helpers.damage import cut_packets
from tests.helpers.media_files import board_indices, evenly, noise, write_media

CODECS = {"a.mkv": ("libx264", "flac"), "a.flv": ("libx264", "aac"), "a.wmv": ("wmv2", "wmav2")}


def write(path: Path, times: list[Fraction] | None = None, gaps: tuple[tuple[float, float], ...] = ()) -> Path:
    video, audio = CODECS[path.name]
    return write_media(
        path,
        times or evenly(200),
        noise(8, 44100) // 4,
        video_codec=video,
        audio_codec=audio,
        sample_rate=44100,
        audio_options={"b": "128000"},
        b_frames=0 if video == "wmv2" else 2,
        gaps=gaps,
    )


@pytest.mark.parametrize("name", CODECS)
def test_a_segment_cut_out_of_the_file_raises_an_error(tmp_path: Path, name: str) -> None:
    whole = write(tmp_path / name)
    path = cut_packets(whole, 3.0, 5.0, tmp_path / f"cut_{name}")
    assert inspect(path).error == ""
    with Recording(path) as recording, Recording(whole) as intact:
        start = recording.info.video_start
        for at in (2.5, 3.5, 4.5):
            with pytest.raises(Corrupt, match=r"its video is damaged at [23]\.\d s"):
                recording.frames([start + at + k / 25 for k in range(25)], 24, 32)
            with pytest.raises(Corrupt, match=r"its audio is damaged at [23]\.\d s"):
                recording.waveform(at, 1.0, 44100)
        for at in (1.5, 6.0):
            requested = [start + at + k / 25 for k in range(25)]
            expected = intact.frames(requested, 24, 32).pixels
            assert np.array_equal(recording.frames(requested, 24, 32).pixels, expected)
            assert np.abs(recording.waveform(at, 1.0, 44100).samples).max() > 1000
    for only in ({"audio": False}, {"video": False}):
        with Recording(path, **only) as recording, pytest.raises(Corrupt, match="is damaged at"):
            recording.frames([4.0], 24, 32) if recording.has_video else recording.waveform(3.5, 1.0, 44100)


LONG_FRAMES = [
    *evenly(75),
    *(5 + at for at in evenly(75)),
]  # frame 74, the last of the first 75, lasts two seconds


@pytest.mark.parametrize(
    ("times", "gaps", "kinds"),
    [
        (LONG_FRAMES, (), ()),  # the audio continues
        (None, (), ("audio",)),  # the video continues
        (LONG_FRAMES, ((3.6, 1.0),), ()),  # the audio pauses at another time
        (
            [*evenly(50), Fraction(3), *(5 + at for at in evenly(50))],
            (),
            ("audio",),
        ),  # one frame outside the cut lasts one second
    ],
)
@pytest.mark.parametrize("name", ["a.mkv", "a.flv"])
def test_long_frames_and_pauses_are_not_taken_for_cuts(
    tmp_path: Path,
    name: str,
    times: list[Fraction] | None,
    gaps: tuple[tuple[float, float], ...],
    kinds: tuple[str, ...],
) -> None:
    intact = write(tmp_path / name, times, gaps)
    path = cut_packets(intact, 3.05, 4.95, tmp_path / f"cut_{name}", kinds)
    with Recording(path) as recording:
        start = recording.info.video_start
        shown = times or evenly(200)
        requested = [k / 10 + 0.01 for k in range(65)]
        expected = [max(i for i, at in enumerate(shown) if at <= t) for t in requested]
        assert board_indices(recording.frames([start + t for t in requested], 24, 32).pixels) == expected
        recording.waveform(0, 6, 44100)
