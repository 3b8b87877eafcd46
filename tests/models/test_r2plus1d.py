"""Tests of R(2+1)D against the published network: names, shapes and counts, and one block computed by hand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from avgdt.models.errors import ModelError
from avgdt.models.factored_convolutions import Temporal
from avgdt.models.r2plus1d import R2Plus1D, R2Plus1DBlock, stem_middle

PUBLISHED_MIDDLE = {  # as in torchvision's r2plus1d_18
    "layer1.0": 144,
    "layer1.1": 144,
    "layer2.0": 230,
    "layer2.1": 288,
    "layer3.0": 460,
    "layer3.1": 576,
    "layer4.0": 921,
    "layer4.1": 1152,
}


def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    vectors = {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}
    return vectors | {f"{name}.num_batches_tracked": ()}


def published() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"stem.0.weight": (45, 3, 1, 7, 7), "stem.3.weight": (64, 45, 3, 1, 1)}
    shapes |= norm("stem.1", 45) | norm("stem.4", 64)
    for name, mid in PUBLISHED_MIDDLE.items():
        stage, first = int(name[5]), name.endswith("0")
        outputs = 64 * 2 ** (stage - 1)
        inputs = outputs // 2 if first and stage > 1 else outputs
        for conv, source in (("conv1", inputs), ("conv2", outputs)):
            shapes[f"{name}.{conv}.0.0.weight"] = (mid, source, 1, 3, 3)
            shapes[f"{name}.{conv}.0.3.weight"] = (outputs, mid, 3, 1, 1)
            shapes |= norm(f"{name}.{conv}.0.1", mid) | norm(f"{name}.{conv}.1", outputs)
        if inputs != outputs:
            shapes[f"{name}.downsample.0.weight"] = (outputs, inputs, 1, 1, 1)
            shapes |= norm(f"{name}.downsample.1", outputs)
    return shapes


def test_names_and_shapes_are_those_of_the_published_network() -> None:
    network = R2Plus1D()
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == published()
    assert sum(parameter.numel() for parameter in network.parameters()) == 31_300_125
    assert network.dim == 512


def batch_normalised(x: torch.Tensor, state: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    mean = x.mean((0, 2, 3, 4), keepdim=True)
    variance = (x - mean).square().mean((0, 2, 3, 4), keepdim=True)
    scale, shift = (state[f"{name}.{part}"].view(1, -1, 1, 1, 1) for part in ("weight", "bias"))
    return (x - mean) / torch.sqrt(variance + 1e-5) * scale + shift


def factored_convolution(x: torch.Tensor, state: dict[str, torch.Tensor], name: str, stride: int) -> torch.Tensor:
    """Compute a (2+1)-D convolution: over space for each frame, then over time for each pixel."""
    kernel = state[f"{name}.0.weight"][:, :, 0]
    frames = [F.conv2d(x[:, :, t], kernel, stride=stride, padding=1) for t in range(x.shape[2])]
    x = batch_normalised(torch.stack(frames, dim=2), state, f"{name}.1").relu()
    weights = state[f"{name}.3.weight"][..., 0, 0]
    padded = F.pad(x, (0, 0, 0, 0, 1, 1))
    time_steps = [
        sum(torch.einsum("oc,bchw->bohw", weights[:, :, k], padded[:, :, t + k]) for k in range(3))
        for t in range(0, x.shape[2], stride)
    ]
    return torch.stack([torch.as_tensor(moment) for moment in time_steps], dim=2)


@pytest.mark.parametrize("time", [1, 2, 5])
@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(4, 4, 1), (4, 8, 2), (3, 5, 1)])
def test_block_equals_its_definition(inputs: int, outputs: int, stride: int, time: int) -> None:
    torch.manual_seed(0)
    block = R2Plus1DBlock(inputs, outputs, stride).double()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(2, inputs, time, 6, 7, dtype=torch.float64)
    state = block.state_dict()
    short = x
    if stride != 1 or inputs != outputs:
        kernel = state["downsample.0.weight"][..., 0, 0, 0]
        short = torch.einsum("oc,bcthw->bothw", kernel, x[:, :, ::stride, ::stride, ::stride])
        short = batch_normalised(short, state, "downsample.1")
    y = batch_normalised(factored_convolution(x, state, "conv1.0", stride), state, "conv1.1").relu()
    y = batch_normalised(factored_convolution(y, state, "conv2.0", 1), state, "conv2.1")
    torch.testing.assert_close(block(x), (y + short).relu())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("time", [1, 2, 3, 4])
def test_gradients_in_bf16_equal_those_in_fp32(time: int, layout: torch.memory_format) -> None:
    """Some libraries leave the gradient of two time steps unwritten; memory filled with 1e30 reveals this."""
    torch.manual_seed(0)
    conv, x = Temporal(45, 64), torch.randn(2, 45, time, 5, 5)
    conv.to(memory_format=layout)  # type: ignore[call-overload]
    gradients = []
    for dtype in (torch.float32, torch.bfloat16):
        conv.zero_grad()
        dirt = torch.full((64 * 45 * 3 * 64,), 1e30)
        del dirt
        with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
            conv(x.contiguous(memory_format=layout)).float().square().sum().backward()
        assert conv.weight.grad is not None
        gradients.append(conv.weight.grad.clone())
    torch.testing.assert_close(gradients[1], gradients[0], rtol=0.1, atol=0.02 * gradients[0].abs().max().item())


def test_the_stem_has_a_receptive_field_of_seven_pixels_and_three_frames() -> None:
    """The first convolution must have the receptive field of the published network."""
    stem = R2Plus1D((1, 1, 1, 1), 4).eval().stem
    x = torch.zeros(1, 3, 9, 21, 21, requires_grad=True)
    stem[3](stem[0](x))[0, :, 4, 5, 5].sum().backward()
    assert x.grad is not None
    touched = x.grad[0].abs().sum(0).nonzero()
    assert touched.amin(0).tolist() == [3, 7, 7]
    assert touched.amax(0).tolist() == [5, 13, 13]


def test_the_clip_of_the_paper_gives_the_feature_map_of_the_paper() -> None:
    network = R2Plus1D((1, 1, 1, 1), 4).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 30, 112, 112)).shape == (1, 32, 4, 7, 7)


@pytest.mark.parametrize("shape", [(7, 33, 45), (1, 17, 16), (9, 1, 50)])
def test_odd_input_sizes_are_rounded_up(shape: tuple[int, int, int]) -> None:
    time, height, width = shape
    y = R2Plus1D((1, 1, 1, 1), 2)(torch.randn(3, 3, *shape))
    assert y.shape == (3, 16, math.ceil(time / 8), math.ceil(height / 16), math.ceil(width / 16))


def test_depth_width_and_channels_can_be_chosen() -> None:
    network = R2Plus1D((1, 2, 1, 3), 6, channels=1)
    assert [len(stage) for stage in (network.layer1, network.layer2, network.layer3, network.layer4)] == [1, 2, 1, 3]
    assert network(torch.randn(2, 1, 4, 16, 16)).shape == (2, 48, 1, 1, 1)


def test_the_stem_has_45_inner_channels_at_width_64_and_in_proportion_at_others() -> None:
    assert [stem_middle(width) for width in (64, 128, 32, 16, 8, 1)] == [45, 90, 22, 11, 5, 1]


def test_initial_weights_have_the_standard_deviation_of_kaiming_fan_out() -> None:
    torch.manual_seed(0)
    network = R2Plus1D()
    for name, fan_out in (("layer4.1.conv1.0.0", 1152 * 9), ("layer4.1.conv1.0.3", 512 * 3), ("stem.0", 45 * 49)):
        weight = network.get_parameter(f"{name}.weight")
        assert weight.std().item() == pytest.approx(math.sqrt(2 / fan_out), rel=0.03)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((2, 3, 8, 16), r"\(2, 3, 8, 16\)"),
        ((2, 1, 8, 16, 16), "built for 3 channels, got 1"),
        ((2, 3, 0, 16, 16), "non-empty"),
        ((0, 3, 8, 16, 16), "non-empty"),
        ((1, 3, 8, 16, 16), "a batch of 2 or more"),
    ],
)
def test_an_invalid_input_raises_an_error(shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        R2Plus1D((1, 1, 1, 1), 2)(torch.zeros(shape))


def test_a_single_small_clip_is_valid_in_evaluation_mode() -> None:
    assert R2Plus1D((1, 1, 1, 1), 2).eval()(torch.zeros(1, 3, 8, 16, 16)).shape == (1, 16, 1, 1, 1)


@pytest.mark.parametrize(("blocks", "width", "channels"), [((1, 1, 1), 4, 3), ((1, 0, 1, 1), 4, 3), ((1,) * 4, 0, 3)])
def test_invalid_sizes_raise_errors(blocks: tuple[int, ...], width: int, channels: int) -> None:
    with pytest.raises(ModelError, match=r"model\.video"):
        R2Plus1D(blocks, width, channels)
