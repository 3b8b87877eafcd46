"""Tests of the synchrony of visible and audible events, measured in the decoded files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avgdt.synthetic.actions import ACTIONS, Action, Bounce, Engine, Hammer, Rocket, Siren, Swing
from avgdt.synthetic.colours import RGB, encoded
from avgdt.synthetic.nuisances import Palette
from avgdt.synthetic.parameters import Parameters
from avgdt.synthetic.rendering import write_recording
from tests.synthetic.decoded import Decoded, decode, loudness

PARAMETERS = Parameters(seed=1, seconds=4.0, height=96, width=128)
FRAME = 1 / 25


OBJECT = (230.0, 40.0, 60.0)
CLEAR = Palette(
    sky=encoded((90.0, 120.0, 160.0)),
    haze=encoded((100.0, 130.0, 160.0)),
    ground=encoded((70.0, 100.0, 90.0)),
    object=encoded(OBJECT),
    tool=encoded((40.0, 40.0, 50.0)),
    light=encoded((250.0, 250.0, 220.0)),
)


@pytest.fixture(autouse=True)
def clear_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use colours that can be distinguished in a decoded frame."""
    monkeypatch.setattr("avgdt.synthetic.nuisances._palette", lambda generator: CLEAR)


@pytest.fixture(autouse=True)
def static_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a static camera, so that the object moves in the frame only as it moves in the scene."""
    monkeypatch.setattr("avgdt.synthetic.nuisances.Camera.offset", lambda camera, time: (0.0, 0.0))


class Recording:
    """Rendered and decoded recording of one action."""

    def __init__(self, action: type[Action], folder: Path) -> None:
        index, path = ACTIONS.index(action), folder / "00000.mp4"
        write_recording(PARAMETERS, index, path)
        self.decoded: Decoded = decode(path)
        self.times = self.decoded.times
        self.object = self.similarity(OBJECT)

    def similarity(self, colour: RGB) -> np.ndarray:
        """Return the similarity of each pixel to ``colour``, from 0 to 1, (frames, height, width)."""
        return np.clip(1 - np.abs(self.decoded.pixels - np.array(colour)).sum(-1) / 60, 0, 1)

    def position(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean column and row of the object in each frame."""
        rows, columns = np.indices(self.object.shape[1:])
        total = self.object.sum((1, 2)) + 1e-9
        return (self.object * columns).sum((1, 2)) / total, (self.object * rows).sum((1, 2)) / total

    def onset_near(self, time: float) -> float:
        """Return the first time within 0.12 s of ``time`` with at least 3/4 of the largest growth of loudness."""
        grid = np.arange(time - 0.12, time + 0.12, 0.001)
        growth = loudness(self.decoded, grid, 0.008) - loudness(self.decoded, grid - 0.008, 0.008)
        return float(grid[np.argmax(growth >= 0.75 * growth.max())])

    def loudness(self) -> np.ndarray:
        """Return the loudness of the audio during each frame."""
        return loudness(self.decoded, self.times, FRAME)


def best_lag(video: np.ndarray, audio: np.ndarray, reach: int = 6) -> tuple[int, float]:
    """Return the shift of ``audio``, in frames, with the maximum correlation with ``video``, and this correlation."""
    middle = slice(reach, -reach)
    correlation = {
        lag: float(np.corrcoef(video[middle], np.roll(audio, lag)[middle])[0, 1]) for lag in range(-reach, reach + 1)
    }
    lag = max(correlation, key=lambda key: correlation[key])
    return lag, correlation[lag]


def assert_audible_when_visible(recording: Recording, frames: np.ndarray, least: int) -> None:
    """Check that at least 90 % of the visible events just before ``frames`` have an audio onset within one frame."""
    times = recording.times[frames] - FRAME / 2
    times = times[(times > 0.2) & (times < recording.times[-1] - 0.2)]
    assert len(times) >= least
    gaps = np.array([recording.onset_near(time) - time for time in times])
    assert np.abs(np.median(gaps)) < FRAME / 2
    assert np.mean(np.abs(gaps) <= FRAME) >= 0.9, gaps


def frames_after_stops(speed: np.ndarray, fast: float) -> np.ndarray:
    """Return the frames at which a speed above ``fast`` pixels per frame falls by more than 60 %."""
    return np.flatnonzero((speed[:-1] > fast) & (speed[1:] < 0.4 * speed[:-1])) + 1


def test_a_bounce_is_audible_at_the_end_of_a_fall(tmp_path: Path) -> None:
    recording = Recording(Bounce, tmp_path)
    down = np.diff(recording.position()[1], prepend=0.0)
    assert_audible_when_visible(recording, frames_after_stops(down, 1.2), 6)


def test_a_blow_is_audible_when_the_hammer_stops(tmp_path: Path) -> None:
    recording = Recording(Hammer, tmp_path)
    down = np.diff(recording.position()[1], prepend=0.0)
    assert_audible_when_visible(
        recording, frames_after_stops(down, 0.4 * down[2:].max()), 3
    )  # only blows, not the weaker hops


def test_a_burst_is_audible_when_the_frame_flashes(tmp_path: Path) -> None:
    recording = Recording(Rocket, tmp_path)
    flash = np.diff(recording.decoded.pixels.mean((1, 2, 3)), prepend=0.0)
    assert_audible_when_visible(recording, np.flatnonzero(flash > flash[1:].max() / 2), 3)


def test_the_lit_lamp_determines_the_pitch(tmp_path: Path) -> None:
    recording = Recording(Siren, tmp_path)
    light = recording.decoded.pixels.mean(-1)
    middle = light.shape[2] // 2
    side = light[:, :, :middle].mean((1, 2)) - light[:, :, middle:].mean((1, 2))
    pitch = []
    for time in recording.times:
        start = round(time * recording.decoded.rate)
        power = np.abs(np.fft.rfft(recording.decoded.samples[start : start + 960] * np.hanning(960), 8192)) ** 2
        pitch.append(power[: 8192 // 8].argmax())
    levels = np.array(pitch) > np.mean([np.percentile(pitch, 10), np.percentile(pitch, 90)])
    lag, correlation = best_lag(side * np.sign(np.corrcoef(side, levels)[0, 1]), levels.astype(float))
    assert abs(lag) <= 1
    assert correlation > 0.7


def test_a_swing_is_loudest_when_it_is_fastest(tmp_path: Path) -> None:
    recording = Recording(Swing, tmp_path)
    column, row = recording.position()
    speed = np.hypot(np.gradient(column), np.gradient(row))
    lag, correlation = best_lag(speed, recording.loudness())
    assert abs(lag) <= 1
    assert correlation > 0.7


def test_the_loudness_of_an_engine_follows_its_vibration(tmp_path: Path) -> None:
    recording = Recording(Engine, tmp_path)
    _, row = recording.position()
    lag, correlation = best_lag(-row, recording.loudness(), reach=2)
    assert abs(lag) <= 1
    assert (
        correlation > 0.4
    )  # echo weakens the correlation; unrelated curves of this length exceed 0.35 once in a thousand
