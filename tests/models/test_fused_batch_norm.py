"""Tests of fused batch norm against PyTorch in float64, and of its fallback."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from avgdt.models.fused_batch_norm import BatchNorm
from avgdt.models.native import library

SHAPES = {
    "no remainder": (6, 16, 4, 9, 9),
    "a remainder of lanes and tiles": (3, 37, 4, 9, 11),
    "more channels than lanes": (2, 301, 4, 8, 9),
    "one channel": (4, 1, 3, 5, 19),
    "one position": (5, 9, 1, 1, 1),
    "several pieces": (4, 36, 6, 20, 20),
    "images": (4, 24, 19, 17),
    "vectors": (9, 40),
}
ROUNDING = {torch.float32: 1e-5, torch.bfloat16: 4e-3}
"""Maximum relative error, in the L2 norm, of a tensor in each precision."""


@pytest.fixture
def without_compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CXX", "")
    library.cache_clear()
    yield
    library.cache_clear()


def for_all_inputs(test: Callable[..., None]) -> Callable[..., None]:
    """Parametrize a test with all shapes, memory formats, operations and data types."""
    test = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)(test)
    test = pytest.mark.parametrize(("last", "relu", "add"), product((False, True), repeat=3))(test)
    return pytest.mark.parametrize("dtype", ROUNDING)(test)


with_compiler = pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler")


def arguments(
    shape: tuple[int, ...], last: bool, add: bool, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
    """Return an input far from zero, a tensor to add (or None), and a gradient of the output."""
    generator = torch.Generator().manual_seed(len(shape) + last)
    form = torch.contiguous_format
    if last and len(shape) > 2:
        form = torch.channels_last_3d if len(shape) == 5 else torch.channels_last
    x, added, gradient = (
        torch.randn(shape, generator=generator).to(dtype).contiguous(memory_format=form) for _ in "123"
    )
    return 2 * x + 5, added if add else None, gradient


def layer_of(channels: int, relu: bool) -> BatchNorm:
    layer = BatchNorm(channels, relu)
    generator = torch.Generator().manual_seed(0)
    for tensor in (layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var):
        assert tensor is not None
        tensor.uniform_(0.5, 1.5, generator=generator)
    return layer


def trained(
    layer: BatchNorm, x: torch.Tensor, added: torch.Tensor | None, gradient: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Return the output, all gradients and the running statistics of one training step of a copy of ``layer``."""
    layer = copy.deepcopy(layer)
    x = x.detach().requires_grad_()
    added = None if added is None else added.detach().requires_grad_()
    y = layer(x, added)
    y.backward(gradient)
    values = {"y": y.detach(), "x": x.grad, "weight": layer.weight.grad, "bias": layer.bias.grad}
    values |= {"added": added.grad} if added is not None else {}
    return {name: value for name, value in (values | dict(layer.named_buffers())).items() if value is not None}


def _no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")


def is_fused(layer: BatchNorm, x: torch.Tensor, added: torch.Tensor | None = None) -> bool:
    """Return whether the output of ``layer`` was computed by the compiled function."""
    return "Fused" in type(layer(x.detach().requires_grad_(), added).grad_fn).__name__


@with_compiler
@for_all_inputs
def test_outputs_gradients_and_statistics_match_float64(
    shape: tuple[int, ...], last: bool, relu: bool, add: bool, dtype: torch.dtype
) -> None:
    x, added, gradient = arguments(shape, last, add, dtype)
    layer = layer_of(shape[1], relu)
    assert is_fused(copy.deepcopy(layer), x)
    other = None if added is None else added.double()
    if relu:  # close to 0, rounding decides whether the ReLU passes the gradient
        gradient[layer_of(shape[1], relu=False).double()(x.double(), other).abs() < 1e-3] = 0
    exact = trained(layer.double(), x.double(), other, gradient.double())
    got = trained(layer.float(), x, added, gradient)
    assert got["y"].stride() == x.stride()
    assert got["x"].stride() == x.stride()
    assert got.keys() == exact.keys()
    for name, value in got.items():
        error = (value.double() - exact[name]).norm() / exact[name].double().norm().clamp(min=1e-6)
        assert error < ROUNDING[dtype], (name, float(error))


@with_compiler
@for_all_inputs
def test_evaluation_without_gradients_matches_float64(
    shape: tuple[int, ...], last: bool, relu: bool, add: bool, dtype: torch.dtype
) -> None:
    x, added, _ = arguments(shape, last, add, dtype)
    layer = layer_of(shape[1], relu).eval()
    before = copy.deepcopy(layer.state_dict())
    with torch.no_grad():
        got = layer(x, added)
    exact = layer.double()(x.double(), None if added is None else added.double())
    assert got.dtype == dtype
    assert got.stride() == x.stride()
    assert (got.double() - exact).norm() / exact.norm() < ROUNDING[dtype]
    assert_close(layer.float().state_dict(), before, rtol=0, atol=0)


@with_compiler
def test_evaluation_with_gradients_uses_pytorch_and_without_them_the_compiled_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = []
    monkeypatch.setattr("avgdt.models.fused_batch_norm._call", lambda name, *_: called.append(name))
    x, layer = arguments(SHAPES["no remainder"], True, False, torch.float32)[0], layer_of(16, relu=True).eval()
    layer(x)
    assert not called
    with torch.inference_mode():
        layer(x)
    assert called == ["batch_norm_inference"]


@with_compiler
@pytest.mark.parametrize("last", [False, True])
def test_results_do_not_depend_on_the_number_of_threads(last: bool) -> None:
    x, added, gradient = arguments(SHAPES["several pieces"], last, True, torch.float32)
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(trained(layer_of(36, relu=True), x, added, gradient))
    finally:
        torch.set_num_threads(threads)
    assert_close(results[1], results[0], rtol=0, atol=0)
    assert_close(results[2], results[0], rtol=0, atol=0)


@with_compiler
@pytest.mark.parametrize("dtype", ROUNDING)
def test_nan_and_infinity_are_not_hidden(dtype: torch.dtype) -> None:
    for value in (float("nan"), float("inf")):
        x = arguments(SHAPES["no remainder"], True, False, dtype)[0]
        x[2, 3, 1, 4, 4] = value
        y = layer_of(16, relu=True)(x)
        assert y[:, 3].isnan().all()
        assert y[:, [0, 1, 2, *range(4, 16)]].isfinite().all()


@with_compiler
def test_an_outlier_as_the_first_value_does_not_cost_precision() -> None:
    for last, outlier in product((False, True), (100.0, 1000.0)):
        x = arguments((8, 16, 4, 24, 24), last, False, torch.float32)[0]
        x[0, :, 0, 0, 0] = outlier
        layer = layer_of(16, relu=False)
        exact = copy.deepcopy(layer).double()(x.double())
        assert (layer(x).double() - exact).norm() / exact.norm() < 1e-5


@with_compiler
def test_inputs_that_the_compiled_functions_do_not_support_are_left_to_pytorch() -> None:
    x, added, _ = arguments(SHAPES["no remainder"], False, True, torch.float32)
    assert added is not None
    layer = layer_of(16, relu=True)
    assert is_fused(copy.deepcopy(layer), x, added)
    for other in (x.transpose(3, 4)[:, :, ::2], x.double(), x[:, :, :1].contiguous()):
        assert not is_fused(copy.deepcopy(layer).to(other.dtype), other)
    assert not is_fused(copy.deepcopy(layer).eval(), x)
    for unlike in (added.double(), added[:, :, :1]):
        assert not is_fused(copy.deepcopy(layer), x, unlike)
    strided = copy.deepcopy(layer)
    strided.weight = torch.nn.Parameter(torch.rand(32)[::2])
    assert not is_fused(strided, x)
    cumulative = copy.deepcopy(layer)
    cumulative.momentum = None
    assert not is_fused(cumulative, x)
    for channels in (4, 128):
        with pytest.raises(RuntimeError):
            layer_of(channels, relu=True)(x)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        layer(x[:1, :, :1, :1, :1].contiguous())


@pytest.mark.usefixtures("without_compiler")
def test_without_a_compiler_the_results_are_equal_up_to_rounding() -> None:
    x, added, gradient = arguments(SHAPES["several pieces"], True, True, torch.float32)
    layer = layer_of(36, relu=True)
    assert not is_fused(copy.deepcopy(layer), x)
    plain = trained(layer, x, added, gradient)
    exact = trained(
        copy.deepcopy(layer).double(), x.double(), added.double() if added is not None else None, gradient.double()
    )
    for name, value in plain.items():
        assert (value.double() - exact[name]).norm() / exact[name].double().norm() < 1e-4, name


@with_compiler
def test_the_library_is_compiled_once_and_again_if_it_is_damaged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "first"))
    try:
        library.cache_clear()
        assert library("fused_batch_norm") is not None
        (path,) = (tmp_path / "first" / "avgdt").iterdir()
        written = path.stat().st_mtime_ns
        library.cache_clear()
        assert library("fused_batch_norm") is not None
        assert path.stat().st_mtime_ns == written
        damaged = tmp_path / "second" / "avgdt" / path.name
        damaged.parent.mkdir(parents=True)
        damaged.write_bytes(b"no library")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "second"))
        library.cache_clear()
        assert library("fused_batch_norm") is not None
        assert damaged.stat().st_size == path.stat().st_size
    finally:
        library.cache_clear()


@with_compiler
def test_a_library_to_which_others_can_write_is_not_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "avgdt"
    try:
        folder.mkdir()
        folder.chmod(0o777)
        library.cache_clear()
        assert library("fused_batch_norm") is not None  # compiled in a temporary folder
        assert not list(folder.iterdir())
        folder.chmod(0o700)
        library.cache_clear()
        assert library("fused_batch_norm") is not None
        (path,) = folder.iterdir()
        path.chmod(0o777)
        library.cache_clear()
        assert library("fused_batch_norm") is not None
        assert path.stat().st_mode & 0o777 == 0o700  # compiled again
    finally:
        library.cache_clear()


@with_compiler
def test_a_compiler_that_fails_and_a_read_only_cache_are_no_errors(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    library.cache_clear()
    try:
        monkeypatch.setenv("CXXFLAGS", "--no-such-option")
        assert library("fused_batch_norm") is None
        assert not list((tmp_path / "avgdt").iterdir())
        monkeypatch.setenv("CXXFLAGS", "")
        monkeypatch.setenv("CXX", "c++ -m64")
        library.cache_clear()
        assert library("fused_batch_norm") is not None
        monkeypatch.setenv("XDG_CACHE_HOME", "/proc")  # no folder can be created in it
        library.cache_clear()
        assert library("fused_batch_norm") is not None
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setattr(Path, "home", _no_home)
        library.cache_clear()
        assert library("fused_batch_norm") is not None
    finally:
        library.cache_clear()
