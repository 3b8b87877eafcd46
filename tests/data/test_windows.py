from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Speed, TimeShift
from avgdt.composition.view import Time
from avgdt.data.windows import Span, Window, centred, draw_windows, uniform
from avgdt.recipes.clip import Clip

CLIP = Clip(frames=10, frame_rate=10.0, audio_seconds=1.0)
PLAIN = Composition(Modality())


@given(st.floats(0, 5), st.floats(1, 9), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.booleans())
def test_windows_lie_inside_the_recording_and_are_separated_by_the_shift(
    start: float, seconds: float, seed: int, epoch: int, recording: int, synchronous: bool
) -> None:
    composition = Composition(Modality(), TimeShift(0.5, invariant=True), time=Time(synchronous=synchronous))
    span = Span(start, start + seconds + 0.5)
    now, later = draw_windows(composition, CLIP, span, seed, epoch, recording)
    assert abs(now.video - later.video) >= 0.5 - 1e-9
    for window in (now, later):
        assert span.start - 1e-9 <= window.video <= span.end - 1 + 1e-9
        assert (window.audio is None) == synchronous


def test_windows_change_from_epoch_to_epoch_only_with_jitter() -> None:
    still = Composition(Modality(), time=Time(jitter=False))
    starts = [[draw_windows(c, CLIP, Span(0, 9), 0, epoch, 3)[0].video for epoch in range(5)] for c in (PLAIN, still)]
    assert len(set(starts[0])) == 5
    assert len(set(starts[1])) == 1


def test_starts_are_uniformly_distributed() -> None:
    starts = [draw_windows(PLAIN, CLIP, Span(2, 6), 0, epoch, 0)[0].video for epoch in range(2000)]
    counts, _ = np.histogram(starts, bins=6, range=(2, 5))
    assert counts.sum() == 2000
    assert counts.min() > 250


def test_the_later_window_may_precede_or_follow_the_current_one() -> None:
    composition = Composition(Modality(), TimeShift(0.5, invariant=True))
    draws = [draw_windows(composition, CLIP, Span(0, 3), 0, epoch, 0) for epoch in range(200)]
    after = sum(later.video > now.video for now, later in draws)
    assert 60 < after < 140


def test_independent_audio_windows_are_drawn_separately() -> None:
    composition = Composition(Modality(), time=Time(synchronous=False))
    (window,) = draw_windows(composition, CLIP, Span(0, 9), 0, 0, 0)
    assert window.audio is not None
    assert abs(window.audio - window.video) > 1e-3


def test_uniform_windows_include_both_ends_of_the_recording() -> None:
    assert uniform(CLIP, Span(1, 5), 4) == tuple(Window(s) for s in (1.0, 2.0, 3.0, 4.0))
    assert uniform(CLIP, Span(1, 5), 1) == (Window(2.5),)
    assert uniform(CLIP, Span(1, 1.5), 2) == (Window(1.0), Window(1.0))


def test_a_centred_window_is_moved_to_lie_inside_the_recording() -> None:
    assert centred(CLIP, Span(0, 5), 2.0, 2.4).video == pytest.approx(1.7)
    assert centred(CLIP, Span(0, 5), 0.0, 0.2).video == 0.0
    assert centred(CLIP, Span(0, 5), 4.8, 5.0).video == pytest.approx(4.0)


@given(st.integers(0, 99), st.floats(0, 4))
def test_a_faster_window_is_longer_and_lies_inside_the_recording(epoch: int, spare: float) -> None:
    composition = Composition(Modality(), TimeShift(0.5, invariant=True), Speed((1.0, 0.5, 3.0), invariant=True))
    span = Span(1.0, 4.5 + spare)  # three clips of 1 s each, and the shift
    windows = draw_windows(composition, CLIP, span, 0, epoch, 0)
    assert [window.speed for window in windows] == [1.0, 0.5, 3.0] * 2
    now, later = ({window.video for window in windows[first : first + 3]} for first in (0, 3))
    assert len(now) == len(later) == 1
    assert abs(now.pop() - later.pop()) >= 0.5 - 1e-9
    for window in windows:
        assert span.start - 1e-9 <= window.video <= span.end - 3 + 1e-9


def test_each_speed_uses_the_audio_drawn_for_its_window() -> None:
    composition = Composition(Modality(), Speed(invariant=True), time=Time(synchronous=False))
    as_recorded, fast = draw_windows(composition, CLIP, Span(0, 9), 0, 0, 0)
    assert as_recorded.audio == fast.audio
    assert as_recorded.audio != as_recorded.video


def test_factors_that_do_not_affect_starts_do_not_affect_random_numbers() -> None:
    slow = Composition(Modality(), Speed((1.0, 0.5), invariant=True))
    for epoch in range(5):
        (plain,) = draw_windows(PLAIN, CLIP, Span(0, 9), 0, epoch, 3)
        assert draw_windows(slow, CLIP, Span(0, 9), 0, epoch, 3)[0] == plain


@pytest.mark.parametrize("shift", [0.05, 1.0])
def test_a_recording_one_frame_too_short_is_shifted_by_the_requested_time(shift: float) -> None:
    composition = Composition(Modality(), TimeShift(shift, distinctive=True))
    for epoch in range(5):
        now, later = draw_windows(composition, CLIP, Span(0.5, 1.5 + shift - 0.05), 0, epoch, 0)
        assert abs(now.video - later.video) == pytest.approx(shift)
        assert min(now.video, later.video) == 0.5
