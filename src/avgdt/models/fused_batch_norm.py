"""Batch norm fused with an addition and ReLU: compiled on a CPU, composed of PyTorch functions on other devices."""

from __future__ import annotations

import ctypes
from typing import Any

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from avgdt.models.native import library

_INT64, _INT32 = ("samples", "channels", "positions"), ("last", "bfloat16", "relu", "threads")
_FLOAT = ("momentum", "eps")
_POINTERS = (
    *("x", "added", "y", "dy", "weight", "bias", "running_mean", "running_var", "mean", "rstd"),
    *("dx", "dadded", "dweight", "dbias"),
)


LEAST_POSITIONS = 256
"""Minimum number of positions (time, height and width) of contiguous inputs; PyTorch is faster for fewer positions."""


class _Arguments(ctypes.Structure):
    """Structure ``Arguments`` in ``fused_batch_norm.cpp``."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in _INT64),
        *((name, ctypes.c_int32) for name in _INT32),
        *((name, ctypes.c_float) for name in _FLOAT),
        *((name, ctypes.c_void_p) for name in _POINTERS),
    ]


class BatchNorm(_BatchNorm):
    """Batch norm for inputs of any dimensionality, optionally followed by an addition and ReLU.

    Parameters and buffers are those of ``torch.nn.BatchNorm3d``. On a CPU, in float32 and bfloat16, compiled functions
    read and write activations as rarely as possible, in training and in evaluation without gradients.
    """

    def __init__(self, channels: int, relu: bool = False, affine: bool = True) -> None:
        """Create a layer for ``channels`` channels; with ``affine``, it has a learned scale and offset."""
        super().__init__(channels, affine=affine)
        self.relu = relu

    def _check_input_dim(self, input: torch.Tensor) -> None:
        """Accept inputs of any dimensionality."""

    def forward(self, x: torch.Tensor, added: torch.Tensor | None = None) -> torch.Tensor:
        """Normalise ``x`` (batch, channels, ...), add ``added`` (of the same shape), and apply ReLU if ``relu``."""
        if (self.training or not torch.is_grad_enabled()) and _is_compiled(x, added, self):
            if not self.training:
                return self._evaluate(x, added)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
            out: torch.Tensor = _Fused.apply(x, added, self.weight, self.bias, self)  # type: ignore[no-untyped-call]
            return out
        return self.add_and_relu(super().forward(x), added)

    def _evaluate(self, x: torch.Tensor, added: torch.Tensor | None) -> torch.Tensor:
        """Normalise ``x`` with the running statistics by a compiled function."""
        assert self.running_mean is not None
        assert self.running_var is not None
        added, y = None if added is None else _like(x, added), torch.empty_like(x)
        rstd = (self.running_var + self.eps).rsqrt()
        tensors = {"x": x, "added": added, "y": y, "weight": self.weight, "bias": self.bias}
        _call("batch_norm_inference", self.relu, tensors | {"mean": self.running_mean, "rstd": rstd})
        return y

    def add_and_relu(self, out: torch.Tensor, added: torch.Tensor | None) -> torch.Tensor:
        """Add ``added`` to the normalised ``out``, which may be changed in place, and apply ReLU if ``relu``."""
        if added is not None:
            out = out + added
        return F.relu(out, inplace=True) if self.relu else out


def batch_norm_is_compiled() -> bool:
    """Return whether compiled functions are available for batch norm on a CPU; compile them if necessary."""
    return library("fused_batch_norm") is not None


class _Fused(torch.autograd.Function):
    """Autograd function of the compiled batch norm."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        added: torch.Tensor | None,
        weight: torch.Tensor,
        bias: torch.Tensor,
        layer: BatchNorm,
    ) -> torch.Tensor:
        added = None if added is None else _like(x, added)
        y, mean, rstd = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(weight)
        assert layer.momentum is not None
        _call(
            "batch_norm_forward",
            layer.relu,
            {"x": x, "added": added, "y": y, "weight": weight, "bias": bias, "mean": mean, "rstd": rstd}
            | {"running_mean": layer.running_mean, "running_var": layer.running_var},
            {"momentum": layer.momentum, "eps": layer.eps},
        )
        ctx.relu, ctx.adds = layer.relu, added is not None
        ctx.save_for_backward(x, y if layer.relu and ctx.adds else None, weight, bias, mean, rstd)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, y, weight, bias, mean, rstd = ctx.saved_tensors
        dy = _like(x, dy)
        dx, dweight, dbias = torch.empty_like(x), torch.empty_like(mean), torch.empty_like(mean)
        dadded = torch.empty_like(dx) if y is not None else None
        _call(
            "batch_norm_backward",
            ctx.relu,
            {"x": x, "y": y, "dy": dy, "weight": weight, "bias": bias, "mean": mean, "rstd": rstd}
            | {"dx": dx, "dadded": dadded, "dweight": dweight, "dbias": dbias},
        )
        if ctx.adds and dadded is None:
            dadded = dy
        return dx, dadded, dweight, dbias, None


def _is_compiled(x: torch.Tensor, added: torch.Tensor | None, layer: BatchNorm) -> bool:
    """Return whether the compiled functions can compute ``layer(x, added)``.

    They check nothing, so invalid arguments are left to PyTorch, which raises an error.
    """
    tracing = torch.jit.is_tracing()  # type: ignore[no-untyped-call, attr-defined]
    if tracing or torch.compiler.is_compiling() or not _is_plain(x) or x.dim() not in (2, 4, 5):
        return False
    channels = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
    return (
        x.dtype in (torch.float32, torch.bfloat16)
        and x.numel() > x.shape[1]
        and (added is None or (_is_plain(added) and added.shape == x.shape and added.dtype == x.dtype))
        and all(
            tensor is not None
            and _is_plain(tensor)
            and tensor.dtype == torch.float32
            and tensor.shape == x.shape[1:2]
            and tensor.is_contiguous()
            for tensor in channels
        )
        and layer.momentum is not None
        and (form := _memory_format(x)) is not None
        and (form == _last(x) or x.numel() // (x.shape[0] * x.shape[1]) >= LEAST_POSITIONS)
        and batch_norm_is_compiled()
    )


def _is_plain(tensor: torch.Tensor) -> bool:
    """Return whether ``tensor`` is an ordinary CPU tensor, not one of a subclass such as ``FakeTensor``."""
    return type(tensor) in (torch.Tensor, torch.nn.Parameter) and tensor.is_cpu


def _like(x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Return ``other`` in the memory format of ``x``."""
    form = _memory_format(x)
    assert form is not None
    return other.contiguous(memory_format=form)


def _memory_format(x: torch.Tensor) -> torch.memory_format | None:
    """Return the memory format of ``x`` (channels-last or contiguous); None for other strides."""
    for form in (_last(x), torch.contiguous_format):
        if x.is_contiguous(memory_format=form):
            return form
    return None


def _last(x: torch.Tensor) -> torch.memory_format:
    """Return the memory format in which the channels of ``x`` are the last dimension in memory."""
    return {4: torch.channels_last, 5: torch.channels_last_3d}.get(x.dim(), torch.contiguous_format)


def _call(
    name: str, relu: bool, tensors: dict[str, torch.Tensor | None], numbers: dict[str, float] | None = None
) -> None:
    """Call the function ``name`` in ``fused_batch_norm.cpp`` with pointers to the data of ``tensors``."""
    x = tensors["x"]
    assert x is not None
    channels, last = x.shape[1], x.dim() == 2 or _memory_format(x) != torch.contiguous_format
    functions = library("fused_batch_norm")
    assert functions is not None
    arguments = _Arguments(
        samples=x.shape[0],
        channels=channels,
        positions=x.numel() // (x.shape[0] * channels),
        last=last,
        bfloat16=x.dtype == torch.bfloat16,
        relu=relu,
        threads=torch.get_num_threads(),
        **(numbers or {}),
        **{key: None if tensor is None else tensor.data_ptr() for key, tensor in tensors.items()},
    )
    getattr(functions, name)(ctypes.byref(arguments))
