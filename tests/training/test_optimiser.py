from __future__ import annotations

import pytest

from avgdt.recipes.training import Schedule
from avgdt.training.optimiser import lr_factor


def test_warm_up_is_linear_and_ends_at_the_full_learning_rate() -> None:
    schedule = Schedule(epochs=20, warmup_epochs=10)
    factors = [lr_factor(schedule, step, 5) for step in range(100)]
    assert factors[:50] == pytest.approx([(s + 1) / 50 for s in range(50)])
    assert set(factors[50:]) == {1.0}


def test_schedule_steps_divide_the_learning_rate_by_ten() -> None:
    schedule = Schedule(epochs=200, warmup_epochs=10, shape="step", steps=(150, 175))
    at = [lr_factor(schedule, epoch * 7, 7) for epoch in (149, 150, 174, 175)]
    assert at == pytest.approx([1, 0.1, 0.1, 0.01])


def test_the_cosine_schedule_falls_from_one_to_zero() -> None:
    schedule = Schedule(epochs=12, warmup_epochs=2, shape="cosine")
    assert lr_factor(schedule, 20, 10) == 1
    assert lr_factor(schedule, 70, 10) == pytest.approx(0.5)
    assert lr_factor(schedule, 119, 10) < 0.001


def test_training_without_warm_up_starts_at_the_full_learning_rate() -> None:
    assert lr_factor(Schedule(warmup_epochs=0), 0, 10) == 1


def test_warm_up_may_start_at_a_fraction_and_steps_may_have_another_factor() -> None:
    schedule = Schedule(epochs=10, warmup_epochs=2, warmup_from=0.125, shape="step", steps=(6, 8), step_factor=0.01)
    factors = [lr_factor(schedule, step, 4) for step in range(40)]
    assert factors[:8] == pytest.approx([0.125 + 0.875 * (s + 1) / 8 for s in range(8)])
    assert factors[8:24] == [1.0] * 16
    assert factors[24:] == pytest.approx([0.01] * 8 + [0.0001] * 8)
