from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avgdt.synthetic.audio import (
    LARGEST,
    OUTLINES,
    SMALLEST,
    Room,
    Synth,
    Timbre,
    draw_room,
    draw_timbre,
    record,
    smooth_noise,
)
from avgdt.synthetic.outlines import Disc

RATE = 24000
PURE = Timbre(pitch=440.0, ratios=(1.0,), weights=(1.0,), breath=0.0, decay=0.1, air=0.0)
PLAIN = Room(colour=(0.0,) * 20, echo=0.0, echo_decay=0.1, noise=-200.0, noise_tilt=0.0)


def synth(timbre: Timbre = PURE, seconds: float = 1.0) -> Synth:
    return Synth(timbre, seconds, RATE, np.random.default_rng(0))


def peak(waveform: np.ndarray) -> float:
    return float(np.fft.rfftfreq(waveform.size, 1 / RATE)[np.abs(np.fft.rfft(waveform)).argmax()])


def test_a_strike_starts_and_peaks_at_its_time() -> None:
    waveform = synth().strike(np.array([0.5]), np.array([1.0]))
    first = round(0.5 * RATE)
    assert not waveform[:first].any()
    assert first <= np.abs(waveform).argmax() < first + 0.01 * RATE


def test_a_strike_has_the_pitch_and_the_decay_of_its_timbre() -> None:
    waveform = synth().strike(np.array([0.1]), np.array([1.0]), 1.5)
    assert peak(waveform) == pytest.approx(660, abs=5)
    envelope = [np.abs(waveform[round(t * RATE) :][:400]).max() for t in (0.2, 0.3, 0.4)]
    np.testing.assert_allclose(np.divide(envelope[1:], envelope[:-1]), np.exp(-1), rtol=0.05)


def test_strikes_add_up_and_scale_with_strength() -> None:
    times, strengths = np.array([0.2, 0.25]), np.array([1.0, 0.5])
    both = synth().strike(times, strengths)
    separate = synth().strike(times[:1], strengths[:1]) + synth().strike(times[1:], strengths[1:])
    np.testing.assert_allclose(both, separate)
    np.testing.assert_allclose(synth().strike(times, 2 * strengths), 2 * both)


def test_the_decay_of_a_strike_before_the_recording_is_audible() -> None:
    waveform = synth().strike(np.array([-0.1, 5.0]), np.array([1.0, 1.0]))
    whole = synth().strike(np.array([0.2]), np.array([1.0]))
    np.testing.assert_allclose(waveform[:1000], whole[round(0.3 * RATE) :][:1000], atol=1e-9)


def test_a_glide_raises_the_pitch() -> None:
    waveform = synth(replace(PURE, decay=0.05)).strike(np.array([0.0]), np.array([1.0]), glide=1.0)
    assert peak(waveform[round(0.05 * RATE) : round(0.1 * RATE)]) > 1.15 * 440


def test_a_sustained_note_follows_pitch_and_loudness() -> None:
    player = synth(seconds=2.0)
    late = player.times >= 1
    waveform = player.sustain(np.where(late, 2.0, 1.0), np.where(late, 0.5, 0.0))
    assert not waveform[~late].any()
    assert peak(waveform[late]) == pytest.approx(880, abs=2)
    assert np.abs(waveform[late]).max() == pytest.approx(0.5, rel=0.01)


def test_breath_widens_the_spectrum_around_the_same_frequency() -> None:
    ones = np.ones(RATE)
    power = np.abs(np.fft.rfft(synth(replace(PURE, breath=1.0)).sustain(ones, ones))) ** 2
    frequencies = np.fft.rfftfreq(RATE, 1 / RATE)
    middle = (frequencies * power).sum() / power.sum()
    std = np.sqrt(((frequencies - middle) ** 2 * power).sum() / power.sum())
    assert middle == pytest.approx(440, abs=15)
    assert 10 < std < 90


def test_smooth_noise_stays_below_its_bandwidth() -> None:
    noise = smooth_noise(np.random.default_rng(0), RATE, RATE, 45.0)
    power = np.abs(np.fft.rfft(noise)) ** 2
    assert noise.std() == pytest.approx(1)
    assert power[:46].sum() / power.sum() > 0.8
    assert power[200:].sum() / power.sum() < 1e-6


def test_larger_objects_have_lower_pitches_and_outlines_have_different_timbres() -> None:
    pitches = [
        np.median([draw_timbre(Disc(), size, np.random.default_rng(k)).pitch for k in range(9)])
        for size in np.linspace(SMALLEST, LARGEST, 6)
    ]
    assert (np.diff(np.log2(pitches)) < -0.2).all()
    timbres = {
        (v.ratios, v.weights, v.breath) for v in (draw_timbre(o, 0.1, np.random.default_rng(0)) for o in OUTLINES)
    }
    assert len(timbres) == len(OUTLINES) == 4


def test_a_plain_room_changes_only_the_level() -> None:
    waveform = np.random.default_rng(0).standard_normal(RATE)
    recorded = record(waveform, PLAIN, -20.0, RATE, np.random.default_rng(1))
    assert 20 * np.log10(recorded.std()) == pytest.approx(-20, abs=0.1)
    assert np.corrcoef(recorded, waveform)[0, 1] > 0.999999


def test_echo_and_colour_do_not_shift_the_onset() -> None:
    for seed in range(5):
        room = replace(draw_room(np.random.default_rng(seed)), noise=-200.0)
        waveform = np.zeros(RATE)
        waveform[RATE // 2] = 1.0
        recorded = np.abs(record(waveform, room, -20.0, RATE, np.random.default_rng(1)))
        assert abs(int(recorded.argmax()) - RATE // 2) <= 2
        assert recorded[: RATE // 2 - 240].max() < 0.05 * recorded.max()  # up to 10 ms before the onset


def test_colour_is_a_gain_in_decibels_at_each_frequency() -> None:
    times = np.arange(RATE) / RATE
    low, high = np.sin(2 * np.pi * 200 * times), np.sin(2 * np.pi * 4000 * times)
    room = replace(PLAIN, colour=(0.0,) * 10 + (-12.0,) * 10)
    recorded = np.abs(np.fft.rfft(record(low + high, room, -20.0, RATE, np.random.default_rng(0))))
    assert 20 * np.log10(recorded[4000] / recorded[200]) == pytest.approx(-12, abs=0.5)


def test_noise_has_the_given_level_relative_to_the_audio() -> None:
    waveform = np.zeros(2 * RATE)
    waveform[RATE:] = np.sin(np.arange(RATE))
    recorded = record(waveform, replace(PLAIN, noise=-20.0), -20.0, RATE, np.random.default_rng(0))
    quiet, loud = recorded[:RATE].std(), recorded[RATE:].std()
    assert 20 * np.log10(loud / quiet) == pytest.approx(20 + 3, abs=0.5)  # the tone is present in half of the recording


def test_amplitude_stays_below_full_scale() -> None:
    waveform = np.zeros(RATE)
    waveform[100] = 1.0
    recorded = record(waveform, PLAIN, 0.0, RATE, np.random.default_rng(0))
    assert 0.9 < np.abs(recorded).max() <= 1.0
