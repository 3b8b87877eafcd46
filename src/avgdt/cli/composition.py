"""``avgdt composition``: print the views of a recipe and their relations, and draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from avgdt.cli.arguments import UsageError, chosen_recipe, parse, recipe_of_help
from avgdt.progress import counting
from avgdt.recipes.describe import describe
from avgdt.recipes.named import RECIPES
from avgdt.recipes.recipe import Recipe

USAGE = f"""Print the views of a recipe and their relations: avgdt composition RECIPE [--any.field value].

RECIPE is one of {", ".join(RECIPES)}; --config FILE.yaml reads one from a file. --composition NAME sets its time
shift and reversal; `avgdt recipes` lists the names."""


@dataclass(frozen=True)
class Composition:
    """The options of the command and all fields of the recipe."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    picture: Path | None = None
    """Also draw the input of the networks for each view of a recording, as an SVG or PNG file."""
    data: Path | None = None
    """The recording to draw: a file, or the first usable recording of a folder or a manifest (csv)."""


def run(arguments: Sequence[str]) -> None:
    """Print the composition and draw it if --picture is given."""
    recipe, rest = chosen_recipe(arguments)
    default = Composition(recipe or recipe_of_help(rest, "avgdt composition RECIPE"))
    options = parse(Composition, rest, "composition", USAGE, default)
    if (options.picture is None) != (options.data is None):
        raise UsageError("--picture FILE.png (or .svg) and --data PATH must be given together")
    print(describe(options.recipe))
    if options.picture is not None and options.data is not None:
        from avgdt.report.composition_picture import write_composition_picture

        with counting("inspecting files") as progress:
            write_composition_picture(options.recipe, options.data, options.picture, progress)
        print(f"wrote {options.picture}")
