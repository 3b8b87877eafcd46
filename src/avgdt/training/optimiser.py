"""The optimiser and the learning rate schedule of a recipe (section 4.1 of the paper)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import Optimiser, Schedule


def build_optimiser(recipe: Optimiser, *modules: nn.Module) -> torch.optim.Optimizer:
    """Build SGD (section 4.1 of the paper) or AdamW over all trainable parameters, one parameter group per module."""
    groups = [{"params": [p for p in module.parameters() if p.requires_grad]} for module in modules]
    # ``fused`` updates all parameters in one pass over memory; it does not exist for the meta device.
    fused = not any(p.is_meta for group in groups for p in group["params"])
    lr, momentum, decay = recipe.lr, recipe.momentum, recipe.weight_decay
    if recipe.kind == "sgd":
        return torch.optim.SGD(groups, lr, momentum=momentum, weight_decay=decay, fused=fused)
    return torch.optim.AdamW(groups, lr, betas=(momentum, 0.999), weight_decay=decay, fused=fused)


def load_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load the state of an optimiser of :func:`build_optimiser`, whose parameters may have another memory format.

    A fused optimiser requires that the tensors of its state have the same strides as the parameters.
    """
    fused = [group["fused"] for group in optimiser.param_groups]
    optimiser.load_state_dict(state)
    for group, value in zip(optimiser.param_groups, fused, strict=True):
        group["fused"], group["foreach"] = value, None
        for parameter in group["params"]:
            for name, tensor in optimiser.state[parameter].items():
                if isinstance(tensor, torch.Tensor) and tensor.shape == parameter.shape:
                    optimiser.state[parameter][name] = torch.empty_like(parameter).copy_(tensor)


def set_lr(optimiser: torch.optim.Optimizer, *lrs: float) -> None:
    """Set the learning rate of each parameter group."""
    for group, lr in zip(optimiser.param_groups, lrs, strict=True):
        group["lr"] = lr


def clip_gradient(optimiser: torch.optim.Optimizer, most: float) -> torch.Tensor:
    """Clip the norm of the gradient of all parameters to ``most``; return the norm before clipping.

    If ``most`` is 0, the gradient is not clipped. The function does not synchronise with the device.
    """
    parameters = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters])
    if most:
        torch.nn.utils.clip_grads_with_norm_(parameters, most, norm)
    return norm


def full_lr(recipe: Recipe) -> float:
    """Return the learning rate after the warm-up, scaled linearly with the batch size if ``run.lr_batch`` is set."""
    run = recipe.run
    return recipe.optimiser.lr * (run.batch / run.lr_batch if run.lr_batch else 1.0)


def lr_at(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of pretraining at ``step`` (from 0)."""
    full = full_lr(recipe)
    start = min(recipe.schedule.warmup_from * recipe.optimiser.lr / full, 1.0)
    return full * lr_factor(replace(recipe.schedule, warmup_from=start), step, steps_per_epoch)


def lr_factor(schedule: Schedule, step: int, steps_per_epoch: int) -> float:
    """Return the factor of the learning rate at ``step`` (from 0); it is 1 at the end of the warm-up.

    After a linear warm-up (section 4.1 of the paper), the factor is constant, decays to zero along a cosine, or is
    multiplied by ``schedule.step_factor`` at each epoch in ``schedule.steps``.
    """
    warmup = schedule.warmup_epochs * steps_per_epoch
    total = schedule.epochs * steps_per_epoch
    if step < warmup:
        return schedule.warmup_from + (1 - schedule.warmup_from) * (step + 1) / math.ceil(warmup)
    if schedule.shape == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1)))
    if schedule.shape == "step":
        return schedule.step_factor ** sum(step >= epoch * steps_per_epoch for epoch in schedule.steps)
    return 1.0
