"""Which recipe a command line names, by its name or --config and --composition, before its fields are changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from avgdt.cli.arguments import UsageError, positional, taken
from avgdt.recipes.config import read_yaml
from avgdt.recipes.named import RECIPES, named
from avgdt.recipes.named_compositions import with_composition
from avgdt.recipes.recipe import Recipe


def chosen_recipe(arguments: Sequence[str]) -> tuple[Recipe | None, list[str]]:
    """The recipe, None where none is named, and the rest of the command line.

    Raises :class:`UsageError` for what names two or half of one, and the errors of what it reads.
    """
    name, rest = positional(arguments)
    config, rest = taken(rest, "--config", "FILE.yaml")
    composition, rest = taken(rest, "--composition", "NAME")
    if name is not None and config is not None:
        raise UsageError("give either a RECIPE or --config FILE.yaml")
    if name is None and config is None:
        if composition is not None:
            raise UsageError(f"--composition {composition} changes a recipe: give a RECIPE or --config FILE.yaml too")
        return None, rest
    recipe = named(name) if name is not None else read_yaml(Path(str(config)))
    return recipe if composition is None else with_composition(recipe, composition), rest


def recipe_of_help(rest: Sequence[str], usage: str) -> Recipe:
    """The recipe whose fields ``--help`` shows where none is named; raise :class:`UsageError` where it is not asked."""
    if not {"-h", "--help"} & set(rest):
        raise UsageError(f"which recipe? {usage}; recipes: {', '.join(RECIPES)}")
    print("(the defaults shown are those of the recipe `paper`)", file=sys.stderr)
    return named("paper")
