"""``avgdt composition``: print the views of a recipe and which pairs of them attract or repel, and draw a diagram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from avgdt.cli.arguments import UsageError, help_recipe, parse, selected_recipe
from avgdt.progress import counting
from avgdt.recipes.describe import describe
from avgdt.recipes.named import RECIPES
from avgdt.recipes.recipe import Recipe

USAGE = f"""Print the views of a recipe and which pairs of them attract or repel:
avgdt composition RECIPE [--any.field value].

RECIPE is one of {", ".join(RECIPES)}; --config FILE.yaml reads a recipe from a file. --composition NAME sets the
time shift and reversal of the recipe; `avgdt recipes` lists the names."""


@dataclass(frozen=True)
class CompositionOptions:
    """Options of ``avgdt composition`` and all fields of the recipe."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    diagram: Path | None = None
    """File (svg or png) for a diagram of all views of one recording, as the networks receive them."""
    data: Path | None = None
    """Recording for the diagram, or a folder or manifest (csv) whose first usable recording is drawn."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line, print the views of the recipe, and write the diagram if requested."""
    recipe, rest = selected_recipe(arguments)
    default = CompositionOptions(recipe or help_recipe(rest, "avgdt composition RECIPE"))
    options = parse(CompositionOptions, rest, "composition", USAGE, default)
    if (options.diagram is None) != (options.data is None):
        raise UsageError("--diagram FILE.png (or .svg) and --data PATH are only valid together; use both for a diagram")
    print(describe(options.recipe))
    if options.diagram is not None and options.data is not None:
        from avgdt.processes import default_workers
        from avgdt.report.composition_diagram import write_composition_diagram

        workers = default_workers(options.recipe.run.workers) + 1
        with counting("inspecting files", visible=False) as progress:
            write_composition_diagram(options.recipe, options.data, options.diagram, workers, progress)
        print(f"wrote {options.diagram}")
