"""Tests of windows beyond the end of a recording: an error if the file was cut, padding if the recording is short."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avgdt.data.clips import ClipReader
from avgdt.data.inspection import inspect
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window
from avgdt.media.errors import EndsEarly
from avgdt.recipes.clip import Clip
from tests.helpers.media_files import board_indices, evenly, noise, write_media

CLIP = Clip(height=24, width=32, sample_rate=16000)


def reader(*modalities: str) -> ClipReader:
    return ClipReader(CLIP, modalities, grey=False)


@pytest.mark.parametrize("modality", ["video", "audio"])
def test_a_file_that_was_cut_after_its_inspection_raises_an_error(tmp_path: Path, modality: str) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(150), noise(6, 16000))
    entry = inspect(path)
    write_media(path, evenly(75), noise(3, 16000))
    reader("video", "audio").read(0, entry, [Window(1.9)])
    for start in (2.3, 2.8, 4.0, 5.0):
        with pytest.raises(EndsEarly, match=rf"its {modality} ends at 3\.0 s, not at 6\.0 s as when it was inspected"):
            reader(modality).read(0, entry, [Window(start)])
    for windows in (
        [Window(1.0), Window(2.3)],
        [Window(1.0), Window(1.5), Window(5.0)],
    ):  # also if the windows are cut from a single read
        with pytest.raises(EndsEarly):
            reader(modality).read(0, entry, windows)


def test_a_short_recording_is_padded(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(20), noise(0.7, 16000))
    item = reader("video", "audio").read(0, inspect(path), [Window(0.0)])
    assert item.video is not None
    assert item.audio is not None
    assert board_indices(item.video[0].transpose(1, 2, 3, 0))[-5:] == [19] * 5
    assert not item.audio[0, 11300:].any()
    assert item.audio[0, :11000].any()


def test_an_entry_without_end_times_must_hold_the_complete_window(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", evenly(50), noise(2, 16000))
    reader("video", "audio").read(0, Entry(path), [Window(1.03)])  # up to two frames of a clip may be missing
    for modality in ("video", "audio"):
        with pytest.raises(EndsEarly, match=rf"its {modality} ends at 2\.0 s, before the end of the clip at 2\.[56] s"):
            reader(modality).read(0, Entry(path), [Window(1.6)])


def test_the_downmix_of_the_entry_is_applied(tmp_path: Path) -> None:
    waveform = noise(2, 16000)
    path = write_media(tmp_path / "a.mkv", None, np.concatenate([waveform, -waveform]), audio_codec="pcm_s16le")
    entry = inspect(path)
    item = reader("audio").read(0, entry, [Window(0.5)])
    assert item.audio is not None
    assert np.array_equal(item.audio[0], waveform[0, 8000:24000])
    item = reader("audio").read(0, replace(entry, downmix="mean"), [Window(0.5)])
    assert item.audio is not None
    assert not item.audio.any()
