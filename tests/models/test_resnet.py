"""Tests of the audio ResNet against the published network: names, shapes, counts, and a small network by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from avgdt.models.errors import ModelError
from avgdt.models.resnet import ResNet


def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    vectors = {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}
    return vectors | {f"{name}.num_batches_tracked": ()}


def published() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 1, 7, 7)} | norm("bn1", 64)
    for stage, outputs in enumerate((64, 128, 256, 512), start=1):
        for block in (0, 1):
            name = f"layer{stage}.{block}"
            inputs = outputs // 2 if block == 0 and stage > 1 else outputs
            shapes[f"{name}.conv1.weight"] = (outputs, inputs, 3, 3)
            shapes[f"{name}.conv2.weight"] = (outputs, outputs, 3, 3)
            shapes |= norm(f"{name}.bn1", outputs) | norm(f"{name}.bn2", outputs)
            if inputs != outputs:
                shapes[f"{name}.downsample.0.weight"] = (outputs, inputs, 1, 1)
                shapes |= norm(f"{name}.downsample.1", outputs)
    return shapes


def test_names_and_shapes_are_those_of_the_published_network() -> None:
    network = ResNet()
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == published()
    # 11,689,512 as published, without the classifier of 1000 classes and two of the three input channels.
    assert sum(p.numel() for p in network.parameters()) == 11_689_512 - 513_000 - 2 * 64 * 49
    assert network.dim == 512


def test_the_network_with_one_block_per_stage_is_resnet_9() -> None:
    parameters = sum(p.numel() for p in ResNet((1, 1, 1, 1)).parameters())
    assert parameters + 513_000 == 5_412_520  # 5.41 million with a classifier of 1000 classes


def by_hand(x: torch.Tensor, state: dict[str, torch.Tensor], blocks: tuple[int, ...]) -> torch.Tensor:
    """Compute the network in evaluation mode from its parameters, with convolutions by unfolding."""

    def conv(x: torch.Tensor, name: str, stride: int) -> torch.Tensor:
        kernel = state[f"{name}.weight"]
        size = kernel.shape[-1]
        patches = F.unfold(x, size, padding=size // 2, stride=stride)
        height, width = (-(-side // stride) for side in x.shape[2:])
        return torch.einsum("of,bfn->bon", kernel.flatten(1), patches).reshape(len(x), -1, height, width)

    def normalised(x: torch.Tensor, name: str) -> torch.Tensor:
        mean, variance, scale, shift = (
            state[f"{name}.{part}"].view(1, -1, 1, 1) for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / torch.sqrt(variance + 1e-5) * scale + shift

    x = normalised(conv(x, "conv1", 2), "bn1").relu()
    height, width = (-(-side // 2) for side in x.shape[2:])
    patches = F.unfold(x, 3, padding=1, stride=2).reshape(len(x), x.shape[1], 9, height, width)
    x = patches.amax(2)  # values are not negative, so the zeros of the padding do not affect the maximum
    for stage, depth in enumerate(blocks, start=1):
        for block in range(depth):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = normalised(conv(x, f"{name}.conv1", stride), f"{name}.bn1").relu()
            y = normalised(conv(y, f"{name}.conv2", 1), f"{name}.bn2")
            if f"{name}.downsample.0.weight" in state:
                x = normalised(conv(x, f"{name}.downsample.0", stride), f"{name}.downsample.1")
            x = (x + y).relu()
    return x


def test_the_network_equals_its_definition() -> None:
    torch.manual_seed(0)
    network = ResNet((2, 1, 1, 2), 3).double().eval()
    for name, tensor in network.state_dict().items():
        if "running_var" in name:
            tensor.uniform_(0.5, 2)
        elif "bn" in name or "downsample.1" in name:
            tensor.copy_(torch.randn(tensor.shape))
    x = torch.randn(2, 1, 40, 99, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(network(x), by_hand(x, network.state_dict(), (2, 1, 1, 2)))


def test_the_spectrogram_of_the_paper_gives_the_feature_map_of_the_paper() -> None:
    with torch.no_grad():
        assert ResNet().eval()(torch.zeros(1, 1, 40, 99)).shape == (1, 512, 2, 4)


def test_odd_input_sizes_are_rounded_up() -> None:
    assert ResNet((1, 1, 1, 1), 2)(torch.randn(2, 1, 33, 65)).shape == (2, 16, 2, 3)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((2, 40, 99), r"batch, channels, mels, time.*\(2, 40, 99\)"),
        ((2, 3, 40, 99), "built for 1 channels, got 3"),
        ((2, 1, 40, 0), "non-empty"),
        ((1, 1, 32, 32), "a batch of 2 or more"),
    ],
)
def test_an_invalid_input_raises_an_error(shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        ResNet((1, 1, 1, 1), 2)(torch.zeros(shape))


def test_invalid_sizes_raise_errors() -> None:
    with pytest.raises(ModelError, match=r"model\.audio"):
        ResNet((2, 2, 2, 2), -1)
