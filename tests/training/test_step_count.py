"""Tests of the predicted operations and bytes of a step against closed forms and a real step."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from avgdt.models.factored_convolutions import Temporal
from avgdt.models.phi import Phi
from avgdt.models.precision import Precision
from avgdt.recipes.named import named
from avgdt.training.learner import Learner
from avgdt.training.step import train_step
from avgdt.training.step_count import SavedTensors, blank_batch, count_step

CPU = Precision(torch.device("cpu"), torch.float32)


def test_operations_of_a_layer_equal_their_closed_form() -> None:
    layers = nn.ModuleList([nn.Linear(5, 7), nn.Conv3d(2, 3, (3, 1, 2), stride=(1, 2, 1))]).to("meta")
    inputs = [torch.empty(4, 5, device="meta"), torch.empty(4, 2, 6, 8, 9, device="meta")]
    outputs = [4 * 7, 4 * 3 * 4 * 4 * 8]  # number of output elements
    products = [5, 2 * 3 * 2]  # multiplications per output element
    for layer, x, elements, multiplications in zip(layers, inputs, outputs, products, strict=True):
        with FlopCounterMode(display=False) as counter:
            y = layer(x.requires_grad_())
            assert y.numel() == elements
            assert counter.get_total_flops() == 2 * multiplications * elements
            y.sum().backward()
        assert (
            counter.get_total_flops() == 3 * 2 * multiplications * elements
        )  # forward pass, and the gradients of the input and of the weights


@pytest.mark.parametrize("name", ["paper", "released", "small", "demo-bank", "audio"])
def test_parameters_and_state_equal_those_of_the_networks(name: str) -> None:
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
def test_operations_equal_those_of_a_real_step(name: str) -> None:
    recipe = replace(named(name), objective=replace(named(name).objective, bank=2, momentum=0.9, key_groups=1))
    learner = Learner(recipe, 10, CPU)
    batch = blank_batch(recipe, 2)
    skipped = list[int]()

    def count_padding(layer: nn.Conv3d, inputs: tuple[torch.Tensor], y: torch.Tensor) -> None:
        """Count the operations on padding, which are predicted but skipped by the weight gradient on a CPU."""
        time_steps, stride = inputs[0].shape[2], layer.stride[0]
        read = [stride * t + k - 1 for t in range(y.shape[2]) for k in range(3)]
        outside = sum(not 0 <= moment < time_steps for moment in read)
        skipped.append(2 * outside * y[:, :, 0].numel() * layer.in_channels)

    for layer in learner.phi.modules():
        if isinstance(layer, Temporal):
            layer.register_forward_hook(count_padding)
    with FlopCounterMode(display=False) as step:
        train_step(learner, [batch])
    with FlopCounterMode(display=False) as views:
        learner.views(batch)  # the log-mel spectrograms
    networks = step.get_total_flops() - views.get_total_flops()
    assert views.get_total_flops() < 0.01 * networks
    assert 0 < sum(skipped) < 0.01 * networks
    assert count_step(recipe, 2, "fp32").flops == pytest.approx(
        networks + sum(skipped), rel=1e-4
    )  # the tolerance covers matrix multiplications of embeddings


def test_activations_equal_the_tensors_saved_by_a_step() -> None:
    recipe = named("demo")
    learner = Learner(recipe, 10, CPU)
    saved = SavedTensors(learner.phi)
    with saved:
        train_step(learner, [blank_batch(recipe, 12)])
    assert count_step(recipe, 12, "fp32").activations == pytest.approx(saved.bytes, rel=0.2)


def test_half_precision_halves_activations_and_adds_copies_of_weights() -> None:
    full, half = (count_step(named("demo"), 3, precision) for precision in ("fp32", "bf16"))
    assert half.activations == full.activations // 2 + 2 * full.parameters
    assert half.flops == full.flops
    assert half.weights == full.weights


def test_clips_have_the_size_of_decoded_clips() -> None:
    recipe = named("paper")
    assert count_step(recipe, 2, "bf16").clips == 2 * (3 * 30 * 128 * 171 + 4 * 24000)
    assert count_step(named("audio"), 2, "bf16").clips == 2 * 2 * 4 * 48000  # two windows per recording
