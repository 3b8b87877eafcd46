"""Sum of the gradients of all batch norm groups over all ranks."""

from __future__ import annotations

import torch

from avgdt.training.ranks import Ranks


class GradientSum:
    """Sum of the gradients of batch norm groups, which are computed by one rank or by several ranks.

    On a CPU, the sum is computed in float64. After it is rounded to float32, it practically never depends on the order
    of summation, and therefore not on the number of ranks. On a GPU, whose kernels do not compute bitwise reproducible
    gradients anyway, it is computed in the precision of the parameters, which halves the transfer between ranks.
    """

    def __init__(self, optimiser: torch.optim.Optimizer, groups: int, ranks: Ranks) -> None:
        """Sum the gradients of the parameters of ``optimiser``; ``groups`` is the number of groups on this rank."""
        self._parameters = [p for group in optimiser.param_groups for p in group["params"]]
        self._ranks = ranks
        self._single = groups == ranks.size == 1
        self._sums = dict[torch.Tensor, torch.Tensor]()

    def add(self) -> None:
        """Add the gradients of one group, and set the parameters' gradients to None for the next group."""
        if self._single:
            return
        for parameter in self._parameters:
            if parameter.grad is None:
                continue
            if parameter in self._sums:
                self._sums[parameter] += parameter.grad
            else:
                exact = torch.float64 if parameter.device.type == "cpu" else parameter.dtype
                self._sums[parameter] = parameter.grad.to(exact)
            parameter.grad = None

    def finish(self) -> None:
        """Set the parameters' gradients to their sum over all groups and ranks."""
        if self._single:
            return
        summed = [parameter for parameter in self._parameters if parameter in self._sums]
        self._ranks.add_up([self._sums[parameter] for parameter in summed])
        for parameter in summed:
            parameter.grad = self._sums[parameter].to(parameter.dtype)
