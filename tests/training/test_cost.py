"""The predicted cost of a training: counts by closed form and of the real step, and how hours scale."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from avgdt.models.phi import Phi
from avgdt.models.precision import Precision
from avgdt.recipes.named import named
from avgdt.recipes.recipe import Recipe
from avgdt.training.cost import SavedTensors, blank_batch, count_step, describe_cost, predict_cost
from avgdt.training.device_kinds import KINDS
from avgdt.training.errors import TrainingError
from avgdt.training.learner import Learner
from tests.helpers.recipes import tiny

CPU = Precision(torch.device("cpu"), torch.float32)


def test_operations_of_one_layer_have_a_closed_form() -> None:
    layers = nn.ModuleList([nn.Linear(5, 7), nn.Conv3d(2, 3, (3, 1, 2), stride=(1, 2, 1))]).to("meta")
    inputs = [torch.empty(4, 5, device="meta"), torch.empty(4, 2, 6, 8, 9, device="meta")]
    outputs = [4 * 7, 4 * 3 * 4 * 4 * 8]  # elements
    products = [5, 2 * 3 * 2]  # of each element
    for layer, x, elements, each in zip(layers, inputs, outputs, products, strict=True):
        with FlopCounterMode(display=False) as counter:
            y = layer(x.requires_grad_())
            assert y.numel() == elements
            assert counter.get_total_flops() == 2 * each * elements
            y.sum().backward()
        assert counter.get_total_flops() == 3 * 2 * each * elements  # the gradients of the input and of the weights


@pytest.mark.parametrize("name", ["paper", "released", "small", "demo-bank", "audio"])
def test_parameters_and_state_are_those_of_the_real_networks(name: str) -> None:
    recipe = replace(named(name), objective=replace(named(name).objective, bank=100))
    with torch.device("meta"):
        phi = Phi(recipe.model, recipe.composition.modalities)
    parameters = sum(p.numel() for p in phi.parameters())
    count = count_step(recipe, 2, "fp32")
    assert count.parameters == parameters
    assert count.gradients == 4 * parameters
    assert count.optimiser == pytest.approx((8 if recipe.optimiser.kind == "adamw" else 4) * parameters, rel=1e-3)
    bank = recipe.objective.negatives == "bank"
    assert count.momentum_encoder == (count.weights if bank else 0)
    assert count.keys == (count.forward if bank else 0)
    assert count.bank == (
        len(recipe.composition.views) * 100 * recipe.model.head.out * 4 + 100 * 16 + 16 if bank else 0
    )


@pytest.mark.parametrize("name", ["small", "demo-bank"])
def test_operations_are_those_of_a_real_step(name: str) -> None:
    recipe = replace(named(name), objective=replace(named(name).objective, bank=2, momentum=0.9, key_groups=1))
    learner = Learner(recipe, 10, CPU)
    batch = blank_batch(recipe, 2)
    with FlopCounterMode(display=False) as step:
        learner.train_step(batch)
    with FlopCounterMode(display=False) as views:
        learner.views(batch)  # log-mel
    networks = step.get_total_flops() - views.get_total_flops()
    assert views.get_total_flops() < 0.01 * networks
    assert count_step(recipe, 2, "fp32").flops == pytest.approx(networks, rel=1e-4)  # products of embeddings


def test_activations_are_what_a_step_saves() -> None:
    recipe = named("demo")
    learner = Learner(recipe, 10, CPU)
    saved = SavedTensors(learner.phi)
    with saved:
        learner.train_step(blank_batch(recipe, 12))
    assert count_step(recipe, 12, "fp32").activations == pytest.approx(saved.bytes, rel=0.2)


def test_activations_in_half_precision_are_half_and_weights_are_copied() -> None:
    full, half = (count_step(named("demo"), 3, precision) for precision in ("fp32", "bf16"))
    assert half.activations == full.activations // 2 + 2 * full.parameters
    assert half.flops == full.flops
    assert half.weights == full.weights


def test_clips_have_the_bytes_that_are_decoded() -> None:
    recipe = named("paper")
    assert count_step(recipe, 2, "bf16").clips == 2 * (3 * 30 * 128 * 171 + 4 * 24000)
    assert count_step(named("audio"), 2, "bf16").clips == 2 * 2 * 4 * 48000  # two windows


def with_objective(**objective: object) -> Recipe:
    return replace(tiny(), objective=replace(tiny().objective, **objective))


def test_hours_scale_with_devices_recordings_and_operations() -> None:
    recipe, h100 = tiny(), KINDS["h100"]
    one = predict_cost(recipe, 6400, 1, h100, batch=64, share=0.001)
    two = predict_cost(recipe, 6400, 2, h100, batch=64, share=0.001)
    assert one.steps == two.steps == 100 * recipe.schedule.epochs
    assert two.step.flops * 2 == one.step.flops
    assert two.hours == pytest.approx(one.hours / 2)
    assert two.clips_per_second == pytest.approx(2 * one.clips_per_second)
    assert predict_cost(recipe, 12800, 1, h100, batch=64, share=0.001).hours == pytest.approx(2 * one.hours)
    assert predict_cost(recipe, 6400, 1, h100, batch=64, share=0.0005).hours == pytest.approx(2 * one.hours)


def test_memory_traffic_bounds_the_step() -> None:
    cost = predict_cost(named("demo"), 384, 1, KINDS["h100"], share=1.0)
    assert cost.greatest_share < 1
    assert cost.step_seconds == cost.traffic_seconds
    assert "which decides here" in describe_cost(cost)


def test_devices_exchange_gradients_clips_and_keys() -> None:
    recipe = with_objective(negatives="bank", bank=16, momentum=0.9)
    assert set(predict_cost(recipe, 640, 1, KINDS["a100"]).exchanged.values()) == {0}
    cost = predict_cost(recipe, 640, 4, KINDS["a100"])
    step = cost.step
    keys = 3 * step.recordings * len(recipe.composition.views) * recipe.model.head.out * 4
    assert cost.exchanged == {"gradients": 6 * step.gradients // 4, "clips": 3 * step.clips // 4, "keys": keys}
    in_batch = predict_cost(with_objective(negatives="batch", detach_keys=False), 640, 4, KINDS["a100"])
    assert in_batch.exchanged == {"gradients": 6 * step.gradients // 4, "clips": 0, "keys": 2 * keys}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"recordings": 0}, "--recordings: 0 is too small"),
        ({"devices": 0}, "--devices: 0 is too small"),
        ({"batch": 0}, "--batch: 0 is too small"),
        ({"batch": 10}, "--batch: 4 devices cannot share out 10 recordings; use 8 or 12"),
        ({"batch": 4}, "--batch: 4 devices cannot share out 4 recordings; use 8"),
        ({"recordings": 6}, "--recordings: 6 are fewer than a batch of 16"),
        ({"share": 1.5}, "--share: 1.5 is out of range"),
    ],
)
def test_impossible_numbers(values: dict[str, float], message: str) -> None:
    options = {"recordings": 640, "devices": 4, "batch": 16} | values
    with pytest.raises(TrainingError, match=message):
        predict_cost(tiny(), kind=KINDS["h100"], **options)  # type: ignore[arg-type]
