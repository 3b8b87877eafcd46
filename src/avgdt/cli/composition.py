"""``avgdt composition``: the views of a recipe, who attracts and repels whom, and what they look like."""

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

USAGE = f"""Tell the views of a recipe and who attracts and repels whom: avgdt composition RECIPE [--any.field value].

RECIPE is one of {", ".join(RECIPES)}; --config FILE.yaml takes its place. --composition NAME sets its time shift
and reversal; `avgdt recipes` lists the names."""


@dataclass(frozen=True)
class Composition:
    """Every field of the recipe, and where a picture goes."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    picture: Path | None = None
    """Also draw what each view of a recording looks like to the networks: an SVG or a PNG."""
    data: Path | None = None
    """What is drawn: a recording, or the first usable one of a folder or a manifest (csv)."""


def run(arguments: Sequence[str]) -> None:
    """Print, and draw where a picture is asked for."""
    recipe, rest = chosen_recipe(arguments)
    default = Composition(recipe or recipe_of_help(rest, "avgdt composition RECIPE"))
    options = parse(Composition, rest, "composition", USAGE, default)
    if (options.picture is None) != (options.data is None):
        raise UsageError("--picture FILE.png (or .svg) and --data PATH go together: where to draw, and what")
    print(describe(options.recipe))
    if options.picture is not None and options.data is not None:
        from avgdt.report.composition_picture import write_composition_picture

        with counting("looking at files") as progress:
            write_composition_picture(options.recipe, options.data, options.picture, progress)
        print(f"wrote {options.picture}")
