from __future__ import annotations

import copy
from typing import Literal

import pytest
import torch
from torch.testing import assert_close

from avgdt.recipes.training import Optimiser, Schedule
from avgdt.training.optimiser import build_optimiser, load_optimiser, lr_factor


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


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_a_loaded_state_does_not_depend_on_the_memory_format(kind: Literal["sgd", "adamw"]) -> None:
    generator = torch.Generator().manual_seed(0)
    gradients = [torch.randn(8, 4, 3, 3, generator=generator) for _ in range(3)]
    last, contiguous = (torch.nn.Conv2d(4, 8, 3, bias=False) for _ in range(2))
    contiguous.load_state_dict(last.state_dict())
    last.to(memory_format=torch.channels_last)
    recipe = Optimiser(kind, lr=0.1, momentum=0.9)
    saved, resumed = build_optimiser(recipe, last), build_optimiser(recipe, contiguous)
    for gradient in gradients[:2]:
        last.weight.grad = torch.empty_like(last.weight).copy_(gradient)
        saved.step()
    contiguous.load_state_dict(last.state_dict())
    load_optimiser(resumed, copy.deepcopy(saved.state_dict()))
    for layer, optimiser in ((last, saved), (contiguous, resumed)):
        layer.weight.grad = torch.empty_like(layer.weight).copy_(gradients[2])
        optimiser.step()
    assert_close(contiguous.weight, last.weight, check_stride=False)
    assert not contiguous.weight.is_contiguous(memory_format=torch.channels_last)


def test_a_state_of_an_optimiser_that_was_not_fused_is_loaded() -> None:
    layer = torch.nn.Linear(3, 2)
    old = torch.optim.AdamW(layer.parameters(), 0.1)
    layer(torch.ones(1, 3)).sum().backward()
    old.step()
    new = build_optimiser(Optimiser("adamw", lr=0.1), layer)
    load_optimiser(new, old.state_dict())
    assert new.param_groups[0]["fused"] is True
    new.step()
