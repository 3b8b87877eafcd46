"""What is seen and what is heard coincide: both measured from the decoded files alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avgdt.synthetic.actions import ACTIONS, Action, Bounce, Engine, Hammer, Rocket, Siren, Swing
from avgdt.synthetic.colours import RGB, encoded
from avgdt.synthetic.film import film
from avgdt.synthetic.parameters import Parameters
from avgdt.synthetic.places import Palette
from tests.synthetic.decoded import Decoded, decode, loudness

PARAMETERS = Parameters(seed=1, seconds=4.0, height=96, width=128)
FRAME = 1 / 25


THING = (230.0, 40.0, 60.0)
CLEAR = Palette(
    sky=encoded((90.0, 120.0, 160.0)),
    haze=encoded((100.0, 130.0, 160.0)),
    ground=encoded((70.0, 100.0, 90.0)),
    thing=encoded(THING),
    tool=encoded((40.0, 40.0, 50.0)),
    light=encoded((250.0, 250.0, 220.0)),
)


@pytest.fixture(autouse=True)
def clear_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours that can be told apart in a decoded picture."""
    monkeypatch.setattr("avgdt.synthetic.places._palette", lambda generator: CLEAR)


@pytest.fixture(autouse=True)
def tripod(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera that stands, so that a thing moves in the picture only as it moves in its world."""
    monkeypatch.setattr("avgdt.synthetic.nuisances.Camera.place", lambda camera, time: (0.0, 0.0))


class Film:
    """A rendered file and the colour to look for in it."""

    def __init__(self, action: type[Action], folder: Path) -> None:
        index, path = ACTIONS.index(action), folder / "film.mp4"
        film(PARAMETERS, index, path)
        self.decoded: Decoded = decode(path)
        self.times = self.decoded.times
        self.thing = self.likeness(THING)

    def likeness(self, colour: RGB) -> np.ndarray:
        """How much each pixel has ``colour``, 0 to 1, (frames, height, width)."""
        return np.clip(1 - np.abs(self.decoded.pixels - np.array(colour)).sum(-1) / 60, 0, 1)

    def place(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean column and row of the thing in each frame."""
        rows, columns = np.indices(self.thing.shape[1:])
        total = self.thing.sum((1, 2)) + 1e-9
        return (self.thing * columns).sum((1, 2)) / total, (self.thing * rows).sum((1, 2)) / total

    def onset_near(self, time: float) -> float:
        """When, within 0.12 s of ``time``, the sound first grows three quarters as suddenly as it ever does there."""
        grid = np.arange(time - 0.12, time + 0.12, 0.001)
        growth = loudness(self.decoded, grid, 0.008) - loudness(self.decoded, grid - 0.008, 0.008)
        return float(grid[np.argmax(growth >= 0.75 * growth.max())])

    def loudness(self) -> np.ndarray:
        """Of the sound while each frame is seen."""
        return loudness(self.decoded, self.times, FRAME)


def best_lag(seen: np.ndarray, heard: np.ndarray, reach: int = 6) -> tuple[int, float]:
    """Frames by which ``heard`` must be moved to be most like ``seen``, and the correlation then."""
    middle = slice(reach, -reach)
    likeness = {
        lag: float(np.corrcoef(seen[middle], np.roll(heard, lag)[middle])[0, 1]) for lag in range(-reach, reach + 1)
    }
    lag = max(likeness, key=lambda key: likeness[key])
    return lag, likeness[lag]


def assert_heard_when_seen(film: Film, frames: np.ndarray, least: int) -> None:
    """Something is seen to happen between each of ``frames`` and the frame before; it must be heard within a frame."""
    times = film.times[frames] - FRAME / 2
    times = times[(times > 0.2) & (times < film.times[-1] - 0.2)]
    assert len(times) >= least
    gaps = np.array([film.onset_near(time) - time for time in times])
    assert np.abs(np.median(gaps)) < FRAME / 2
    assert np.mean(np.abs(gaps) <= FRAME) >= 0.9, gaps


def stops(speed: np.ndarray, fast: float) -> np.ndarray:
    """Frames before which a movement of more than ``fast`` pixels per frame came to an end."""
    return np.flatnonzero((speed[:-1] > fast) & (speed[1:] < 0.4 * speed[:-1])) + 1


def test_where_a_fall_ends_the_bounce_is_heard(tmp_path: Path) -> None:
    film = Film(Bounce, tmp_path)
    down = np.diff(film.place()[1], prepend=0.0)
    assert_heard_when_seen(film, stops(down, 1.2), 6)


def test_where_the_head_is_stopped_the_hammer_is_heard(tmp_path: Path) -> None:
    film = Film(Hammer, tmp_path)
    down = np.diff(film.place()[1], prepend=0.0)
    assert_heard_when_seen(film, stops(down, 0.4 * down[2:].max()), 3)  # blows, not the soft hops


def test_where_the_picture_flashes_the_rocket_is_heard_to_burst(tmp_path: Path) -> None:
    film = Film(Rocket, tmp_path)
    flash = np.diff(film.decoded.pixels.mean((1, 2, 3)), prepend=0.0)
    assert_heard_when_seen(film, np.flatnonzero(flash > flash[1:].max() / 2), 3)


def test_the_lamp_that_shines_decides_the_pitch(tmp_path: Path) -> None:
    film = Film(Siren, tmp_path)
    light = film.decoded.pixels.mean(-1)
    middle = light.shape[2] // 2
    side = light[:, :, :middle].mean((1, 2)) - light[:, :, middle:].mean((1, 2))
    pitch = []
    for time in film.times:
        start = round(time * film.decoded.rate)
        power = np.abs(np.fft.rfft(film.decoded.samples[start : start + 960] * np.hanning(960), 8192)) ** 2
        pitch.append(power[: 8192 // 8].argmax())
    levels = np.array(pitch) > np.mean([np.percentile(pitch, 10), np.percentile(pitch, 90)])
    lag, likeness = best_lag(side * np.sign(np.corrcoef(side, levels)[0, 1]), levels.astype(float))
    assert abs(lag) <= 1
    assert likeness > 0.7


def test_a_swing_is_loudest_where_it_is_fastest(tmp_path: Path) -> None:
    film = Film(Swing, tmp_path)
    column, row = film.place()
    speed = np.hypot(np.gradient(column), np.gradient(row))
    lag, likeness = best_lag(speed, film.loudness())
    assert abs(lag) <= 1
    assert likeness > 0.7


def test_an_engine_throbs_as_it_shakes(tmp_path: Path) -> None:
    film = Film(Engine, tmp_path)
    _, row = film.place()
    lag, likeness = best_lag(-row, film.loudness(), reach=2)
    assert abs(lag) <= 1
    assert likeness > 0.4  # the echo blurs the throb; unrelated curves of this length exceed 0.35 once in a thousand
