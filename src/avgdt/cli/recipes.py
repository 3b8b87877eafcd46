"""``avgdt recipes``: which there are, and what each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from avgdt.cli.arguments import parse
from avgdt.recipes.config import to_yaml
from avgdt.recipes.named import RECIPES, named


@dataclass(frozen=True)
class Recipes:
    """List the recipes, or print one as YAML."""

    name: Annotated[str, tyro.conf.Positional] = ""
    """Print this recipe, as ``pretrain --config`` reads it, and its views."""


def run(arguments: Sequence[str]) -> None:
    """List or print."""
    options = parse(Recipes, arguments, "recipes", "List the recipes, or print one as YAML.")
    if options.name:
        recipe = named(options.name)
        print("".join(f"# {line}\n" for line in recipe.composition.describe().splitlines()), end="")
        print(to_yaml(recipe), end="")
        return
    for name, make in RECIPES.items():
        print(f"{name:<8} {make().title}")
