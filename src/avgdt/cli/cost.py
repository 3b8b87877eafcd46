"""``avgdt cost``: predict the operations, memory, transfers and hours of a training run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from avgdt.cli.arguments import help_recipe, parse, selected_recipe
from avgdt.recipes.named import RECIPES
from avgdt.recipes.recipe import Recipe

USAGE = f"""Predict the cost of a training run: avgdt cost RECIPE --recordings N --devices 64 --kind h100
[--any.field value].

RECIPE is one of {", ".join(RECIPES)}; --config FILE.yaml reads a recipe from a file. --composition NAME sets the
time shift and reversal of the recipe; `avgdt recipes` lists the names. Operations and memory are counted for the
recipe's networks; hours follow from the fraction of the device's peak throughput that a training step is assumed to
reach."""


@dataclass(frozen=True)
class CostOptions:
    """Options of ``avgdt cost`` and all fields of the recipe."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    recordings: int
    """Number of recordings in the training set."""
    devices: int = 1
    """Number of devices used for the training run."""
    kind: str = "h100"
    """Kind of device: h200, h100, a100, v100, rtx4090, or this (the current machine, whose peak throughput is
    measured)."""
    share: float | None = None
    """Fraction of the device's peak throughput that a training step reaches, from 0 to 1. The default depends on the
    kind of device and is printed."""
    json: bool = False
    """Whether to print all values as JSON."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line and print the predicted cost."""
    recipe, rest = selected_recipe(arguments)
    default = CostOptions(recipe or help_recipe(rest, "avgdt cost RECIPE --recordings N"), tyro.MISSING)
    options = parse(CostOptions, rest, "cost", USAGE, default)
    from avgdt.training.cost import describe_cost, predict_cost
    from avgdt.training.device_kinds import device_kind

    kind = device_kind(options.kind)
    cost = predict_cost(options.recipe, options.recordings, options.devices, kind, options.share)
    print(json.dumps(cost.plain(), indent=2) if options.json else describe_cost(cost))
