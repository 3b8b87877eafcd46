"""``avgdt cost``: what a training costs: operations, memory, transfers and hours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from avgdt.cli.arguments import chosen_recipe, parse, recipe_of_help
from avgdt.recipes.named import RECIPES
from avgdt.recipes.recipe import Recipe

USAGE = f"""Predict what a training costs: avgdt cost RECIPE --recordings N --devices 64 --kind h100
[--any.field value].

RECIPE is one of {", ".join(RECIPES)}; --config FILE.yaml reads one from a file. --composition NAME sets its time
shift and reversal; `avgdt recipes` lists the names. Operations and memory are counted on the recipe's networks; hours
follow from the share of the device's peak rate that a step is assumed to reach."""


@dataclass(frozen=True)
class CostOptions:
    """Every field of the recipe, the recordings and the devices."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    recordings: int
    """Recordings of the training set."""
    devices: int = 1
    """Number of devices."""
    kind: str = "h100"
    """Kind of the devices: h200, h100, a100, v100, rtx4090, or this: this machine, which is measured."""
    share: float | None = None
    """Share of the peak rate that a step reaches, 0 to 1; by default that of the kind, which the output states."""
    json: bool = False
    """Print all figures as JSON."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line and print the predicted cost."""
    recipe, rest = chosen_recipe(arguments)
    default = CostOptions(recipe or recipe_of_help(rest, "avgdt cost RECIPE --recordings N"), tyro.MISSING)
    options = parse(CostOptions, rest, "cost", USAGE, default)
    from avgdt.training.cost import describe_cost, predict_cost
    from avgdt.training.device_kinds import device_kind

    kind = device_kind(options.kind)
    cost = predict_cost(options.recipe, options.recordings, options.devices, kind, options.share)
    print(json.dumps(cost.plain(), indent=2) if options.json else describe_cost(cost))
