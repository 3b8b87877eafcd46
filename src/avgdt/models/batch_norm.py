"""Batch norm over groups of a batch: running statistics that do not depend on which device takes which group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class GroupStatistics:
    """Running statistics of a step that normalises several groups: the mean of the updates that each alone would make.

    With one group they are what batch norm computes by itself.
    """

    def __init__(self, module: nn.Module, groups: int) -> None:
        """``groups`` is the number of groups of the whole batch, on all devices."""
        # ``data``: autograd may change them between the forward and the backward pass, as batch norm does itself.
        layers = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]
        self._groups = groups
        self._buffers = [b.data for m in layers for b in (m.running_mean, m.running_var) if b is not None]
        self._counters = [m.num_batches_tracked.data for m in layers if m.num_batches_tracked is not None]
        self._before = [b.clone() for b in self._buffers] if groups > 1 else []
        self._sum = [torch.zeros_like(b) for b in self._before]

    @contextmanager
    def group(self) -> Iterator[None]:
        """Context of the forward pass of one group."""
        yield
        if self._groups > 1:
            torch._foreach_add_(self._sum, self._buffers)
            self._restore()

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Context of a second forward pass of a group, which must not count again."""
        yield
        if self._groups > 1:
            self._restore()

    def _restore(self) -> None:
        torch._foreach_copy_(self._buffers, self._before)
        torch._foreach_sub_(self._counters, 1)

    @torch.no_grad()
    def finish(self, add_up: Callable[[Sequence[torch.Tensor]], None] = lambda tensors: None) -> None:
        """Set the statistics to the mean over all groups; ``add_up`` sums tensors over the devices, in place."""
        if self._groups > 1:
            add_up(self._sum)
            torch._foreach_div_(self._sum, self._groups)
            torch._foreach_copy_(self._buffers, self._sum)
            torch._foreach_add_(self._counters, 1)


class SynchronisedBatchNorm(_BatchNorm):
    """Batch norm synchronised over all ranks, also on a CPU, which ``torch.nn.SyncBatchNorm`` does not support."""

    def _check_input_dim(self, input: torch.Tensor) -> None:
        """Accept inputs of any dimensionality: one class replaces batch norm in 1, 2 and 3 dimensions."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise ``x`` (batch, channels, ...) by the statistics over all ranks, whose batch sizes may differ."""
        if not self.training:
            return super().forward(x)
        dims = [0, *range(2, x.dim())]
        shape = [1, -1, *[1] * (x.dim() - 2)]
        with torch.autocast(x.device.type, enabled=False):
            values = x.float()
            count = torch.full((1,), values.numel() / values.shape[1], device=x.device)
            total = _sum_over_ranks(torch.cat([values.sum(dims), count]))
            count, mean = total[-1].detach(), total[:-1] / total[-1].detach()
            centred = values - mean.view(shape)
            var = _sum_over_ranks(centred.square().sum(dims)) / count
            out = centred * (var + self.eps).rsqrt().view(shape)
            if self.weight is not None and self.bias is not None:
                out = out * self.weight.view(shape) + self.bias.view(shape)
            self._update(mean.detach(), var.detach() * count / (count - 1).clamp(min=1))
        return out.to(x.dtype)

    @torch.no_grad()
    def _update(self, mean: torch.Tensor, var: torch.Tensor) -> None:
        if self.running_mean is not None and self.running_var is not None and self.momentum is not None:
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var, self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1


class _SumOverRanks(torch.autograd.Function):
    """The sum over all ranks; its gradient is the sum of the gradients, since every rank uses the result."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        grad = grad.clone()
        dist.all_reduce(grad)
        return grad


def _sum_over_ranks(x: torch.Tensor) -> torch.Tensor:
    summed: torch.Tensor = _SumOverRanks.apply(x)  # type: ignore[no-untyped-call]
    return summed


def synchronise(module: nn.Module) -> None:
    """Replace every batch norm of ``module``, in place, by one that is synchronised over all ranks."""
    for name, child in module.named_children():
        if isinstance(child, _BatchNorm):
            synced = SynchronisedBatchNorm(child.num_features, child.eps, child.momentum, child.affine)
            synced.load_state_dict(child.state_dict())
            synced.to(next(iter(child.state_dict().values())).device).requires_grad_(
                any(p.requires_grad for p in child.parameters())
            )
            setattr(module, name, synced.train(child.training))
        else:
            synchronise(child)
