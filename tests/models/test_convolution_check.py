"""Tests of the check that compares convolutions in half precision with float32."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from avgdt.models import convolution_check
from avgdt.models.convolution_check import Float32Conv2d, Float32Conv3d, check_convolutions, use_float32
from avgdt.models.phi import Phi
from avgdt.models.precision import Precision
from avgdt.recipes.model import AudioEncoder, Head, Model, VideoEncoder

BF16 = Precision(torch.device("cpu"), torch.bfloat16)
MODALITIES = ("video", "audio")


@pytest.fixture
def phi() -> Phi:
    torch.manual_seed(0)
    return Phi(Model(VideoEncoder((1, 1, 1, 1), 4), AudioEncoder((1, 1, 1, 1), 4), Head(8, 8)))


def views(side: int) -> list[torch.Tensor]:
    return [torch.randn(2, 3, 4, side, side), torch.randn(2, 1, 40, 64)]


def test_convolutions_in_float32_are_not_checked(phi: Phi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phi, "forward", None)
    assert check_convolutions(phi, views(32), MODALITIES, Precision(torch.device("cpu"), torch.float32)) == []


def test_a_convolution_that_is_wrong_in_half_precision_is_detected(phi: Phi, monkeypatch: pytest.MonkeyPatch) -> None:
    before = check_convolutions(phi, views(64), MODALITIES, BF16)
    broken = phi.encoders["audio"].layer2[0].conv2
    forward = type(broken)._conv_forward

    def wrong(layer: nn.Conv2d, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        out = forward(layer, x, weight, bias)
        return out * 1.2 if weight.shape == broken.weight.shape and torch.is_autocast_enabled("cpu") else out

    monkeypatch.setattr(nn.Conv2d, "_conv_forward", wrong)
    convolution_check._wrong.clear()
    names = set(check_convolutions(phi, views(64), MODALITIES, BF16)) - set(before)
    convolution_check._wrong.clear()
    assert "encoders.audio.layer2.0.conv2" in names
    assert all(phi.get_submodule(name).weight.shape == broken.weight.shape for name in names)


def test_exact_convolutions_compute_in_float32_also_after_a_copy(phi: Phi) -> None:
    names = ["encoders.audio.conv1", "encoders.video.layer1.0.conv1.0.0"]
    state = {name: value.clone() for name, value in phi.state_dict().items()}
    use_float32(phi, names)
    assert all(torch.equal(state[name], value) for name, value in phi.state_dict().items())
    clone = copy.deepcopy(phi)
    for name, kind in zip(names, (Float32Conv2d, Float32Conv3d), strict=True):
        layer = clone.get_submodule(name)
        assert type(layer) is kind
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert layer(torch.randn(2, layer.in_channels, *[8] * (layer.weight.dim() - 2))).dtype == torch.float32


def test_convolutions_found_wrong_on_this_machine_are_corrected(phi: Phi) -> None:
    names = check_convolutions(
        phi, views(16), MODALITIES, BF16
    )  # with AMX and PyTorch 2.13, outputs of one column are wrong
    use_float32(phi, names)
    convolution_check._wrong.clear()
    assert check_convolutions(phi, views(16), MODALITIES, BF16) == []
