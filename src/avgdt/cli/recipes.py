"""``avgdt recipes``: list the recipes and compositions, or print one recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from avgdt.cli.arguments import parse
from avgdt.recipes.config import to_yaml
from avgdt.recipes.named import COMPOSITIONS, RECIPES, named, with_composition


@dataclass(frozen=True)
class Recipes:
    """Options of ``avgdt recipes``."""

    name: Annotated[str, tyro.conf.Positional] = ""
    """Name of the recipe to print as YAML (for ``pretrain --config``), with its views as comments."""


def run(arguments: Sequence[str]) -> None:
    """List the recipes and compositions, or print one recipe as YAML."""
    options = parse(Recipes, arguments, "recipes", "List the recipes or print one as YAML.")
    if options.name:
        recipe = named(options.name)
        print("".join(f"# {line}\n" for line in recipe.composition.describe().splitlines()), end="")
        print(to_yaml(recipe), end="")
        return
    for name, make in RECIPES.items():
        print(f"{name:<9} {make().title}")
    print("\ncompositions of time shift and reversal (RECIPE --composition NAME), applied to the recipe `released`:")
    for name in COMPOSITIONS:
        composition = with_composition(named("released"), name).composition
        attracted, repelled = (sum(map(sum, matrix)) for matrix in (composition.attract, composition.repel))
        print(f"{name:<38} {len(composition.views)} views, {attracted:>2} ordered pairs attract, {repelled:>2} repel")
