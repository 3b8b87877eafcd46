"""Tests of device, precision and memory format, and of their choice by ``auto`` according to the hardware."""

from __future__ import annotations

import pytest
import torch

from avgdt.models.errors import HardwareError
from avgdt.models.memory_format import set_memory_format
from avgdt.models.phi import Phi
from avgdt.models.precision import Precision, cpu_has_fast_bf16, resolve_device, resolve_precision
from avgdt.recipes.model import AudioEncoder, Head, Model, VideoEncoder

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def small(width: int) -> Phi:
    torch.manual_seed(0)
    return Phi(Model(VideoEncoder((1, 1, 1, 1), width), AudioEncoder((1, 1, 1, 1), width), Head(4, 4)))


@pytest.fixture
def modern_cpu(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Simulate a processor with AVX-512 BF16 and AMX."""
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    monkeypatch.delenv("DNNL_MAX_CPU_ISA", raising=False)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    return monkeypatch


@pytest.mark.parametrize("lacking", [None, "_is_amx_tile_supported", "_is_avx512_bf16_supported"])
def test_auto_is_bf16_on_a_cpu_with_bf16_instructions(modern_cpu: pytest.MonkeyPatch, lacking: str | None) -> None:
    if lacking:
        modern_cpu.setattr(torch.cpu, lacking, lambda: False)
    assert resolve_precision("auto", CPU).name == "bf16"


def test_auto_is_fp32_on_a_cpu_without_bf16_instructions(modern_cpu: pytest.MonkeyPatch) -> None:
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        modern_cpu.setattr(torch.cpu, name, lambda: False)
    assert resolve_precision("auto", CPU).name == "fp32"


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        (torch.ops.mkldnn, "_is_mkldnn_bf16_supported", False),
        (torch.backends.cpu, "get_cpu_capability", "AVX2"),
    ],
)
def test_auto_is_fp32_if_the_libraries_cannot_use_the_instructions(
    modern_cpu: pytest.MonkeyPatch, owner: object, name: str, value: object
) -> None:
    modern_cpu.setattr(owner, name, lambda: value)
    assert resolve_precision("auto", CPU).name == "fp32"


@pytest.mark.parametrize(
    ("isa", "fast"),
    [
        ("AVX2", False),
        ("AVX512_CORE_VNNI", False),
        ("avx512_core_bf16", True),
        ("AVX512_CORE_AMX", True),
        ("ALL", True),
    ],
)
def test_limits_of_the_instruction_set_are_respected(modern_cpu: pytest.MonkeyPatch, isa: str, fast: bool) -> None:
    modern_cpu.setenv("ONEDNN_MAX_CPU_ISA", isa)
    assert cpu_has_fast_bf16() is fast


@pytest.mark.parametrize(("supported", "name"), [(True, "bf16"), (False, "fp16")])
def test_auto_is_bf16_on_a_gpu_or_fp16_with_a_scaler(
    monkeypatch: pytest.MonkeyPatch, supported: bool, name: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert resolve_precision("auto", CUDA).name == name


def test_the_requested_precision_is_used() -> None:
    x, layer = torch.randn(2, 3), torch.nn.Linear(3, 3)
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        precision = resolve_precision(name, CPU)  # type: ignore[arg-type]
        assert (precision.name, precision.dtype) == (name, dtype)
        assert not precision.scaler().is_enabled()
        for _ in range(2):  # an autocast context can be entered only once, so each call must return a new one
            with precision.autocast():
                assert layer(x).dtype == dtype


def test_fp16_on_a_cpu_is_refused() -> None:
    with pytest.raises(HardwareError, match=r"run\.precision: fp16 needs a GPU"):
        resolve_precision("fp16", CPU)


def test_the_automatic_device_is_the_gpu_if_available(monkeypatch: pytest.MonkeyPatch) -> None:
    for available, expected in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda found=available: found)
        assert resolve_device("auto") == torch.device(expected)


def test_unavailable_devices_raise_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert resolve_device("cuda:0") == torch.device("cuda:0")
    assert resolve_device("cpu") == CPU
    for device, message in (
        ("cuda:1", "has 1 GPUs"),
        ("gpu", "not a device"),
        ("mps", "not supported"),
        ("", "not a device"),
    ):
        with pytest.raises(HardwareError, match=message):
            resolve_device(device)


@pytest.mark.parametrize(
    ("requested", "device", "dtype", "last"),
    [
        ("yes", CUDA, torch.float32, True),
        ("no", CPU, torch.bfloat16, False),
        ("auto", CPU, torch.bfloat16, True),
        ("auto", CPU, torch.float32, True),
        ("auto", CUDA, torch.float16, True),
        ("auto", CUDA, torch.float32, False),
    ],
)
def test_the_memory_format_is_resolved_and_applied(
    requested: str, device: torch.device, dtype: torch.dtype, last: bool
) -> None:
    phi = small(16)
    before = list(phi.parameters())
    chosen = set_memory_format(phi, requested, Precision(device, dtype))  # type: ignore[arg-type]
    assert chosen == {"video": last, "audio": last}
    assert all(
        a is b for a, b in zip(before, phi.parameters(), strict=True)
    )  # an optimiser keeps references to the parameters
    video = phi.encoders["video"].get_parameter("layer1.0.conv1.0.0.weight")
    audio = phi.encoders["audio"].get_parameter("layer1.0.conv1.weight")
    assert video.is_contiguous(memory_format=torch.channels_last_3d) is last
    assert audio.is_contiguous(memory_format=torch.channels_last) is last
    # With fewer than 16 clips and one thread, PyTorch chooses convolutions whose output is contiguous in any case.
    feature_map = phi.feature_map("video", torch.randn(16, 3, 10, 24, 24))
    assert feature_map.is_contiguous(memory_format=torch.channels_last_3d) is last


def test_the_memory_format_does_not_change_values() -> None:
    phi = small(16)
    views, modalities = [torch.randn(2, 3, 4, 32, 32), torch.randn(2, 1, 40, 50)], ["video", "audio"]
    contiguous = phi(views, modalities)
    assert set_memory_format(phi, "yes", Precision(CPU, torch.float32)) == {"video": True, "audio": True}
    for a, b in zip(contiguous, phi(views, modalities), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
    set_memory_format(phi, "no", Precision(CPU, torch.float32))
    assert all(parameter.is_contiguous() for parameter in phi.parameters())


def test_narrow_networks_stay_contiguous_on_a_cpu() -> None:
    """At this width, channels-last convolutions of oneDNN with AVX2 crash or return wrong gradients."""
    phi, sounds = small(4), torch.randn(8, 1, 16, 199)
    audio, oracle = phi.encoders["audio"], small(4).encoders["audio"].double()
    assert set_memory_format(phi, "yes", Precision(CPU, torch.float32)) == {"video": False, "audio": False}
    audio(sounds).square().sum().backward()
    oracle(sounds.double()).square().sum().backward()
    for mine, its in zip(audio.parameters(), oracle.parameters(), strict=True):
        assert isinstance(mine.grad, torch.Tensor)
        assert isinstance(its.grad, torch.Tensor)
        assert (mine.grad - its.grad).norm() <= 1e-3 * its.grad.norm() + 1e-5


def test_narrow_networks_are_channels_last_on_a_gpu() -> None:
    chosen = set_memory_format(small(4), "auto", Precision(CUDA, torch.float16))
    assert chosen == {"video": True, "audio": True}
