from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from avgdt.synthetic.actions import ACTIONS
from avgdt.synthetic.scene import Scene
from tests.synthetic.conftest import TINY
from tests.synthetic.decoded import decode


@pytest.mark.parametrize("index", range(len(ACTIONS)))
def test_streams_are_h264_and_aac_of_the_right_rate_and_length(tiny_world: Path, index: int) -> None:
    path = tiny_world / "recordings" / f"{index:05d}.mp4"
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert container.format.name.startswith("mov,mp4")
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert video.average_rate == Fraction(25)
        assert (video.height, video.width, video.codec_context.pix_fmt) == (48, 64, "yuv420p")
        assert (audio.rate, audio.channels) == (24000, 1)
    film = decode(path)
    np.testing.assert_allclose(film.times, np.arange(40) / 25, atol=1e-6)
    assert film.samples.size / film.rate == pytest.approx(1.6, abs=0.05)


@pytest.mark.parametrize("index", range(len(ACTIONS)))
def test_files_hold_what_the_scene_drew_and_played(tiny_world: Path, index: int) -> None:
    film, scene = decode(tiny_world / "recordings" / f"{index:05d}.mp4"), Scene(TINY, index)
    frames = [av.VideoFrame.from_ndarray(picture, format="yuv420p") for picture in scene.frames(film.times)]
    drawn = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
    assert np.abs(film.pixels - drawn).mean() < 6  # a lossy codec
    played = scene.sound()
    heard = film.samples[: played.size]
    lags = range(-40, 41)
    likeness = [float(np.corrcoef(np.roll(played, lag)[100:-100], heard[100:-100])[0, 1]) for lag in lags]
    assert abs(lags[int(np.argmax(likeness))]) <= 2  # in step to a tenth of a millisecond
    assert max(likeness) > 0.85
    assert 0.003 < heard.std() < 0.3
