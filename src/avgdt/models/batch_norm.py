"""Batch norm over groups of a batch, with running statistics that do not depend on the number of devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from avgdt.models.fused_batch_norm import BatchNorm


class GroupStatistics:
    """Running statistics of batch norm after a step that normalises several groups: the mean over the groups' updates.

    Each group's update starts from the statistics before the step. With a single group, the result is that of ordinary
    batch norm.
    """

    def __init__(self, module: nn.Module, groups: int) -> None:
        """Store the statistics of ``module`` before the step; ``groups`` is the number of groups on all devices."""
        # ``data`` lets the buffers change between the forward and the backward pass without an autograd error.
        layers = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]
        self._groups = groups
        self._buffers = [b.data for m in layers for b in (m.running_mean, m.running_var) if b is not None]
        self._counters = [m.num_batches_tracked.data for m in layers if m.num_batches_tracked is not None]
        self._before = [b.clone() for b in self._buffers] if groups > 1 else []
        # On a CPU, sums are computed in float64 for the reason that GradientSum states.
        self._sum = [b.new_zeros(b.shape, dtype=torch.float64 if b.is_cpu else b.dtype) for b in self._before]

    @contextmanager
    def group(self) -> Iterator[None]:
        """Return a context manager for the forward pass of one group."""
        yield
        if self._groups > 1:
            torch._foreach_add_(self._sum, self._buffers)
            self._restore()

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Return a context manager for a second forward pass of a group, whose statistics are discarded."""
        yield
        if self._groups > 1:
            self._restore()

    def _restore(self) -> None:
        torch._foreach_copy_(self._buffers, self._before)
        torch._foreach_sub_(self._counters, 1)

    @torch.no_grad()
    def finish(self, add_up: Callable[[Sequence[torch.Tensor]], None] = lambda tensors: None) -> None:
        """Set the running statistics to the mean over all groups; ``add_up`` sums tensors over the devices in place."""
        if self._groups > 1:
            add_up(self._sum)
            torch._foreach_div_(self._sum, self._groups)
            torch._foreach_copy_(self._buffers, self._sum)
            torch._foreach_add_(self._counters, 1)


class SynchronisedBatchNorm(BatchNorm):
    """Batch norm synchronised over all ranks on a CPU or GPU; ``torch.nn.SyncBatchNorm`` does not support CPUs."""

    def forward(self, x: torch.Tensor, added: torch.Tensor | None = None) -> torch.Tensor:
        """Normalise ``x`` (batch, channels, ...) with statistics over all ranks, whose batch sizes may differ.

        ``added`` and ReLU are applied as in :class:`BatchNorm`.
        """
        if not self.training:
            return super().forward(x, added)
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
        return self.add_and_relu(out.to(x.dtype), added)

    @torch.no_grad()
    def _update(self, mean: torch.Tensor, var: torch.Tensor) -> None:
        if self.running_mean is not None and self.running_var is not None and self.momentum is not None:
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var, self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1


class _SumOverRanks(torch.autograd.Function):
    """Sum of a tensor over all ranks; its gradient is also summed, since every rank uses the result."""

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
    """Replace every batch norm layer of ``module``, in place, by a :class:`SynchronisedBatchNorm`."""
    for name, child in module.named_children():
        if isinstance(child, _BatchNorm):
            relu = isinstance(child, BatchNorm) and child.relu
            synced = SynchronisedBatchNorm(child.num_features, relu, child.affine)
            synced.eps, synced.momentum = child.eps, child.momentum
            synced.load_state_dict(child.state_dict())
            synced.to(next(iter(child.state_dict().values())).device).requires_grad_(
                any(p.requires_grad for p in child.parameters())
            )
            setattr(module, name, synced.train(child.training))
        else:
            synchronise(child)
