from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avgdt.synthetic.room import Room, draw_room, record

RATE = 24000
PLAIN = Room(colour=(0.0,) * 20, echo=0.0, echo_decay=0.1, noise=-200.0, noise_tilt=0.0)


def test_a_plain_room_changes_only_the_level() -> None:
    sound = np.random.default_rng(0).standard_normal(RATE)
    heard = record(sound, PLAIN, -20.0, RATE, np.random.default_rng(1))
    assert 20 * np.log10(heard.std()) == pytest.approx(-20, abs=0.1)
    assert np.corrcoef(heard, sound)[0, 1] > 0.999999


def test_echo_and_colour_leave_the_onset_in_place() -> None:
    for seed in range(5):
        room = replace(draw_room(np.random.default_rng(seed)), noise=-200.0)
        sound = np.zeros(RATE)
        sound[RATE // 2] = 1.0
        heard = np.abs(record(sound, room, -20.0, RATE, np.random.default_rng(1)))
        assert abs(int(heard.argmax()) - RATE // 2) <= 2
        assert heard[: RATE // 2 - 240].max() < 0.05 * heard.max()  # 10 ms before


def test_colour_is_decibels_at_a_frequency() -> None:
    times = np.arange(RATE) / RATE
    low, high = np.sin(2 * np.pi * 200 * times), np.sin(2 * np.pi * 4000 * times)
    room = replace(PLAIN, colour=(0.0,) * 10 + (-12.0,) * 10)
    heard = np.abs(np.fft.rfft(record(low + high, room, -20.0, RATE, np.random.default_rng(0))))
    assert 20 * np.log10(heard[4000] / heard[200]) == pytest.approx(-12, abs=0.5)


def test_noise_is_as_far_below_the_sound_as_asked() -> None:
    sound = np.zeros(2 * RATE)
    sound[RATE:] = np.sin(np.arange(RATE))
    heard = record(sound, replace(PLAIN, noise=-20.0), -20.0, RATE, np.random.default_rng(0))
    quiet, loud = heard[:RATE].std(), heard[RATE:].std()
    assert 20 * np.log10(loud / quiet) == pytest.approx(20 + 3, abs=0.5)  # the sound is there half of the time


def test_nothing_passes_full_scale() -> None:
    sound = np.zeros(RATE)
    sound[100] = 1.0
    heard = record(sound, PLAIN, 0.0, RATE, np.random.default_rng(0))
    assert 0.9 < np.abs(heard).max() <= 1.0
