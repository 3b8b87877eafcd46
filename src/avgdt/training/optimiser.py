"""The optimiser of a recipe."""

from __future__ import annotations

import torch
from torch import nn

from avgdt.recipes.training import Optimiser


def build_optimiser(recipe: Optimiser, module: nn.Module) -> torch.optim.Optimizer:
    """SGD as in section 4.1 of the paper, or AdamW, over all parameters that learn."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    if recipe.kind == "sgd":
        return torch.optim.SGD(parameters, recipe.rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
    return torch.optim.AdamW(parameters, recipe.rate, betas=(recipe.momentum, 0.999), weight_decay=recipe.weight_decay)
