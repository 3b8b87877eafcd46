from __future__ import annotations

import numpy as np
import pytest

from avgdt.synthetic.timeline import Drift, Tempo, ease


@pytest.fixture
def tempo() -> Tempo:
    return Tempo(np.random.default_rng(1), frequency=2.0, seconds=6.0, depth=0.5)


def test_time_and_phase_are_inverse(tempo: Tempo) -> None:
    times = np.linspace(0, 6, 50)
    np.testing.assert_allclose(tempo.time(tempo.phase(times)), times, atol=1e-9)


def test_frequency_is_the_derivative_of_the_phase(tempo: Tempo) -> None:
    times = np.linspace(0.1, 5.9, 40)
    slope = (tempo.phase(times + 0.01) - tempo.phase(times - 0.01)) / 0.02
    np.testing.assert_allclose(slope, tempo.frequency(times), rtol=0.01)


def test_beats_have_integer_phases_and_cover_the_recording(tempo: Tempo) -> None:
    times = tempo.time(tempo.beats())
    np.testing.assert_allclose(tempo.phase(times), tempo.beats(), atol=1e-9)
    assert times[0] < 0 < 6 < times[-1]
    assert tempo.beats()[0] >= 0  # exact, so that a beat can be used as an index


def test_the_tempo_varies_within_its_depth() -> None:
    changes = []
    for seed in range(30):
        tempo = Tempo(np.random.default_rng(seed), frequency=2.0, seconds=6.0, depth=0.5)
        octaves = np.log2(tempo.frequency(np.linspace(0, 6, 200)) / 2.0)
        assert np.abs(octaves).max() <= 0.5 * 1.4 + 1e-6
        changes.append(octaves.max() - octaves.min())
    assert np.median(changes) > 0.3  # the tempo changes by more than 20 %


def test_a_drift_is_smooth_and_depends_on_its_generator() -> None:
    times = np.arange(0, 6, 0.01)
    curve = Drift(np.random.default_rng(5))(times)
    assert curve.shape == times.shape
    assert np.abs(np.diff(curve)).max() < 0.05
    assert np.array_equal(curve, Drift(np.random.default_rng(5))(times))
    assert not np.allclose(curve, Drift(np.random.default_rng(6))(times))


def test_ease_has_zero_slope_at_both_ends() -> None:
    fraction = np.array([-1, 0, 0.5, 1, 2])
    np.testing.assert_allclose(ease(fraction), [0, 0, 0.5, 1, 1])
    assert ease(0.01) < 0.001
