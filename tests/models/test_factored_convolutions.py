"""Tests of factored convolutions against ``torch.nn.Conv3d``: values, gradients, memory format."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from avgdt.models.factored_convolutions import Spatial, Temporal
from avgdt.models.memory_format import set_memory_format
from avgdt.models.phi import Phi
from avgdt.models.precision import Precision
from avgdt.recipes.model import AudioEncoder, Head, Model, VideoEncoder

LAST = torch.channels_last_3d
CPU = Precision(torch.device("cpu"), torch.float32)


def channels_last(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Return random numbers in the channels-last memory format, also for one channel."""
    batch, channels, *rest = shape
    return torch.randn(batch, *rest, channels, dtype=dtype).movedim(-1, 1)


def as_conv3d(layer: nn.Conv3d) -> nn.Conv3d:
    """Return the same convolution as a ``torch.nn.Conv3d``."""
    other = copy.deepcopy(layer)
    other.__class__ = nn.Conv3d
    return other


def convolution(kind: str, inputs: int, outputs: int, stride: int) -> nn.Conv3d:
    return Spatial(inputs, outputs, 3, stride) if kind == "spatial" else Temporal(inputs, outputs, stride)


def with_channels_last_weight(layer: nn.Conv3d, dtype: torch.dtype) -> nn.Conv3d:
    layer.to(dtype)
    layer.weight.data = channels_last(tuple(layer.weight.shape), dtype)
    return layer


def results(layer: nn.Conv3d, x: torch.Tensor) -> list[torch.Tensor]:
    """Return the output and the gradients of the input and the weight."""
    leaf = x.detach().clone().requires_grad_()
    out = layer(leaf)
    cotangent = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return [out.detach(), *torch.autograd.grad(out, (leaf, layer.weight), cotangent.to(x.dtype))]


@pytest.mark.parametrize("kind", ["spatial", "temporal"])
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 3), (3, 1), (5, 7), (8, 16)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("time", [1, 2, 3, 6])
def test_values_and_gradients_equal_those_of_a_3d_convolution(
    kind: str, inputs: int, outputs: int, stride: int, time: int
) -> None:
    torch.manual_seed(0)
    layer = with_channels_last_weight(convolution(kind, inputs, outputs, stride), torch.float64)
    x = channels_last((2, inputs, time, 5, 6))
    for value, expected in zip(results(layer, x), results(as_conv3d(layer), x), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), as_conv3d(layer)(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["spatial", "temporal"])
@pytest.mark.parametrize("stride", [1, 2])
def test_gradients_equal_numerical_gradients(kind: str, stride: int) -> None:
    torch.manual_seed(0)
    layer = with_channels_last_weight(convolution(kind, 2, 3, stride), torch.float64)
    x = channels_last((2, 2, 3, 3, 4)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, weight: layer._conv_forward(x, weight, None), (x, layer.weight))


@pytest.mark.parametrize("kind", ["spatial", "temporal"])
def test_values_in_float32_equal_those_of_a_3d_convolution_up_to_rounding(kind: str) -> None:
    torch.manual_seed(0)
    layer = with_channels_last_weight(convolution(kind, 16, 24, 1), torch.float32)
    x = channels_last((4, 16, 8, 12, 12), torch.float32)
    exact = [tensor.float() for tensor in results(as_conv3d(layer).double(), x.double())]
    for value, expected in zip(results(layer, x), exact, strict=True):
        assert float((value - expected).norm() / expected.norm()) < 2e-6


@pytest.mark.parametrize("kind", ["spatial", "temporal"])
def test_contiguous_inputs_give_the_same_bits_as_a_3d_convolution(kind: str) -> None:
    torch.manual_seed(0)
    layer, x = convolution(kind, 3, 4, 1), torch.randn(2, 3, 4, 5, 6)
    for value, expected in zip(results(layer, x), results(as_conv3d(layer), x), strict=True):
        assert torch.equal(value, expected)


@pytest.mark.parametrize("kind", ["spatial", "temporal"])
@pytest.mark.parametrize("inputs", [1, 3])
def test_output_and_gradient_stay_channels_last(kind: str, inputs: int) -> None:
    layer = with_channels_last_weight(convolution(kind, inputs, 4, 1), torch.float32)
    out, gradient, _ = results(layer, channels_last((16, inputs, 4, 5, 6), torch.float32))
    assert out.stride(1) == 1
    assert gradient.is_contiguous(memory_format=LAST)


@pytest.mark.parametrize("choice", ["yes", "no"])
def test_networks_with_one_input_channel_follow_the_memory_format(choice: str) -> None:
    phi = Phi(Model(VideoEncoder((1, 1, 1, 1), 16, channels=1), AudioEncoder((1, 1, 1, 1), 16), Head(8, 8)))
    before = {name: value.clone() for name, value in phi.state_dict().items()}
    set_memory_format(phi, choice, CPU)  # type: ignore[arg-type]
    assert all(torch.equal(before[name], value) for name, value in phi.state_dict().items())
    video, audio = phi.encoders["video"].stem[0], phi.encoders["audio"].conv1
    outputs = video(torch.randn(16, 1, 4, 16, 16)), audio(torch.randn(16, 1, 40, 64))
    assert [out.stride(1) == 1 for out in outputs] == [choice == "yes"] * 2
