"""The optimiser of a recipe."""

from __future__ import annotations

import torch
from torch import nn

from avgdt.recipes.training import Optimiser


def build_optimiser(recipe: Optimiser, *modules: nn.Module) -> torch.optim.Optimizer:
    """SGD as in section 4.1 of the paper, or AdamW, over all trainable parameters; each module is a parameter group."""
    groups = [{"params": [p for p in module.parameters() if p.requires_grad]} for module in modules]
    if recipe.kind == "sgd":
        return torch.optim.SGD(groups, recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
    return torch.optim.AdamW(groups, recipe.lr, betas=(recipe.momentum, 0.999), weight_decay=recipe.weight_decay)


def set_rates(optimiser: torch.optim.Optimizer, *rates: float) -> None:
    """Set the learning rate of each parameter group."""
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        group["lr"] = rate
