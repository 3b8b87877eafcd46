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
def test_windows_lie_inside_and_shifted_ones_are_separated(
    start: float, seconds: float, seed: int, epoch: int, recording: int, synchronous: bool
) -> None:
    composition = Composition(Modality(), TimeShift(0.5, invariant=True), time=Time(synchronous=synchronous))
    span = Span(start, start + seconds + 0.5)
    now, later = draw_windows(composition, CLIP, span, seed, epoch, recording)
    assert abs(now.video - later.video) >= 0.5 - 1e-9
    for window in (now, later):
        assert span.start - 1e-9 <= window.video <= span.end - 1 + 1e-9
        assert (window.audio is None) == synchronous


def test_jitter_draws_anew_each_epoch_and_its_absence_never() -> None:
    still = Composition(Modality(), time=Time(jitter=False))
    starts = [[draw_windows(c, CLIP, Span(0, 9), 0, epoch, 3)[0].video for epoch in range(5)] for c in (PLAIN, still)]
    assert len(set(starts[0])) == 5
    assert len(set(starts[1])) == 1


def test_starts_cover_the_whole_span_evenly() -> None:
    starts = [draw_windows(PLAIN, CLIP, Span(2, 6), 0, epoch, 0)[0].video for epoch in range(2000)]
    counts, _ = np.histogram(starts, bins=6, range=(2, 5))
    assert counts.sum() == 2000
    assert counts.min() > 250


def test_later_comes_before_and_after_now() -> None:
    composition = Composition(Modality(), TimeShift(0.5, invariant=True))
    draws = [draw_windows(composition, CLIP, Span(0, 3), 0, epoch, 0) for epoch in range(200)]
    after = sum(later.video > now.video for now, later in draws)
    assert 60 < after < 140


def test_independent_audio_is_another_draw() -> None:
    composition = Composition(Modality(), time=Time(synchronous=False))
    (window,) = draw_windows(composition, CLIP, Span(0, 9), 0, 0, 0)
    assert window.audio is not None
    assert abs(window.audio - window.video) > 1e-3


def test_uniform_windows_reach_both_ends() -> None:
    assert uniform(CLIP, Span(1, 5), 4) == tuple(Window(s) for s in (1.0, 2.0, 3.0, 4.0))
    assert uniform(CLIP, Span(1, 5), 1) == (Window(2.5),)
    assert uniform(CLIP, Span(1, 1.5), 2) == (Window(1.0), Window(1.0))


def test_centred_window_has_the_segment_in_its_middle_or_is_moved_inside() -> None:
    assert centred(CLIP, Span(0, 5), 2.0, 2.4).video == pytest.approx(1.7)
    assert centred(CLIP, Span(0, 5), 0.0, 0.2).video == 0.0
    assert centred(CLIP, Span(0, 5), 4.8, 5.0).video == pytest.approx(4.0)


@given(st.integers(0, 99), st.floats(0, 4))
def test_a_faster_window_is_longer_and_lies_inside_too(epoch: int, spare: float) -> None:
    composition = Composition(Modality(), TimeShift(0.5, invariant=True), Speed((1.0, 0.5, 3.0), invariant=True))
    span = Span(1.0, 4.5 + spare)  # three times a clip of 1 s, and the shift
    windows = draw_windows(composition, CLIP, span, 0, epoch, 0)
    assert [window.speed for window in windows] == [1.0, 0.5, 3.0] * 2
    now, later = ({window.video for window in windows[first : first + 3]} for first in (0, 3))
    assert len(now) == len(later) == 1
    assert abs(now.pop() - later.pop()) >= 0.5 - 1e-9
    for window in windows:
        assert span.start - 1e-9 <= window.video <= span.end - 3 + 1e-9


def test_each_speed_uses_the_audio_that_is_drawn_for_its_window() -> None:
    composition = Composition(Modality(), Speed(invariant=True), time=Time(synchronous=False))
    as_recorded, fast = draw_windows(composition, CLIP, Span(0, 9), 0, 0, 0)
    assert as_recorded.audio == fast.audio
    assert as_recorded.audio != as_recorded.video


def test_a_factor_that_changes_no_start_changes_no_draw() -> None:
    slow = Composition(Modality(), Speed((1.0, 0.5), invariant=True))
    for epoch in range(5):
        (plain,) = draw_windows(PLAIN, CLIP, Span(0, 9), 0, epoch, 3)
        assert draw_windows(slow, CLIP, Span(0, 9), 0, epoch, 3)[0] == plain


@pytest.mark.parametrize("shift", [0.05, 1.0])
def test_a_recording_that_is_a_frame_too_short_still_shifts_by_all_that_is_requested(shift: float) -> None:
    composition = Composition(Modality(), TimeShift(shift, distinctive=True))
    for epoch in range(5):
        now, later = draw_windows(composition, CLIP, Span(0.5, 1.5 + shift - 0.05), 0, epoch, 0)
        assert abs(now.video - later.video) == pytest.approx(shift)
        assert min(now.video, later.video) == 0.5
