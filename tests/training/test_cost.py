"""Tests of the predicted cost of a training run: scaling of hours, communication between devices, invalid values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avgdt.recipes.named import named
from avgdt.recipes.recipe import Recipe
from avgdt.training.cost import describe_cost, predict_cost
from avgdt.training.device_kinds import KINDS
from avgdt.training.errors import TrainingError
from tests.helpers.recipes import tiny


def of_batch(batch: int, recipe: Recipe | None = None, **run: int) -> Recipe:
    recipe = recipe or tiny()
    return replace(recipe, run=replace(recipe.run, batch=batch, **run))


def with_objective(**objective: object) -> Recipe:
    recipe = of_batch(16)
    return replace(recipe, objective=replace(recipe.objective, **objective))


def test_hours_scale_with_devices_recordings_and_operations() -> None:
    recipe, h100 = of_batch(64), KINDS["h100"]
    one = predict_cost(recipe, 6400, 1, h100, share=0.001)
    two = predict_cost(recipe, 6400, 2, h100, share=0.001)
    assert one.steps == two.steps == 100 * recipe.schedule.epochs
    assert two.step.flops * 2 == one.step.flops
    assert two.hours == pytest.approx(one.hours / 2)
    assert two.clips_per_second == pytest.approx(2 * one.clips_per_second)
    assert predict_cost(recipe, 12800, 1, h100, share=0.001).hours == pytest.approx(2 * one.hours)
    assert predict_cost(recipe, 6400, 1, h100, share=0.0005).hours == pytest.approx(2 * one.hours)


def test_a_device_processes_its_groups_sequentially() -> None:
    bank = with_objective(negatives="bank", bank=16, momentum=0.9, key_groups=1)
    for recipe, embedded in ((bank, 1), (with_objective(negatives="batch"), 2)):
        at_once = predict_cost(recipe, 640, 1, KINDS["h100"]).step
        groups = predict_cost(of_batch(16, recipe, norm_group=4), 640, 1, KINDS["h100"]).step
        assert groups.recordings == at_once.recordings == 16
        assert (groups.forward, groups.backward) == (embedded * at_once.forward, at_once.backward)
        assert groups.activations < at_once.activations / 3
        four = predict_cost(of_batch(16, recipe, norm_group=4), 640, 4, KINDS["h100"]).step
        assert four.forward * 4 == at_once.forward


def test_memory_traffic_bounds_the_step() -> None:
    cost = predict_cost(named("demo"), 384, 1, KINDS["h100"], share=1.0)
    assert cost.greatest_share < 1
    assert cost.step_seconds == cost.traffic_seconds
    assert "so memory bandwidth determines the duration" in describe_cost(cost)


def test_devices_exchange_gradients_clips_and_keys() -> None:
    recipe = with_objective(negatives="bank", bank=16, momentum=0.9)
    assert set(predict_cost(recipe, 640, 1, KINDS["a100"]).exchanged.values()) == {0}
    cost = predict_cost(recipe, 640, 4, KINDS["a100"])
    step = cost.step
    keys = 3 * step.recordings * len(recipe.composition.views) * recipe.model.head.out * 4
    assert cost.exchanged == {"gradients": 6 * step.gradients // 4, "clips": 3 * step.clips // 4, "keys": keys}
    in_batch = predict_cost(with_objective(negatives="batch", detach_keys=False), 640, 4, KINDS["a100"])
    assert in_batch.exchanged == {"gradients": 6 * step.gradients // 4, "clips": 0, "keys": keys}
    assert step.sums == step.gradients
    cpu = predict_cost(recipe, 640, 4, replace(KINDS["a100"], cpu=True))  # which sums gradients in float64
    assert cpu.exchanged["gradients"] == 2 * cost.exchanged["gradients"]
    assert cpu.step.memory - step.memory == step.gradients
    assert predict_cost(of_batch(16, recipe, norm_group=0), 640, 1, KINDS["a100"]).step.sums == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"recordings": 0}, "--recordings: 0 is too small"),
        ({"devices": 0}, "--devices: 0 is too small"),
        (
            {"recipe": of_batch(10)},
            "--run.batch: 10 recordings cannot be divided into 4 equal parts of at least 2; use a multiple",
        ),
        ({"recipe": of_batch(4)}, "--run.batch: 4 recordings cannot be divided into 4 equal parts"),
        (
            {"recipe": of_batch(24, norm_group=4)},
            "--devices: 6 batch norm groups cannot be distributed evenly over 4 devices",
        ),
        ({"recipe": of_batch(16, norm_group=8)}, "run.norm_group: makes 2 batch norm groups, fewer than the 4"),
        ({"recordings": 6}, "--recordings: 6 are fewer than a batch of 16"),
        ({"share": 1.5}, "--share: 1.5 is out of range"),
    ],
)
def test_invalid_numbers_raise_errors(values: dict[str, object], message: str) -> None:
    options = {"recipe": of_batch(16), "recordings": 640, "devices": 4} | values
    with pytest.raises(TrainingError, match=message):
        predict_cost(kind=KINDS["h100"], **options)  # type: ignore[arg-type]
