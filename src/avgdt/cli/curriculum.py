"""``avgdt curriculum``: measure re-identification by augmentation strength during training (figure 3 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import tyro

from avgdt.cli.arguments import check_at_least, help_recipe, parse, selected_recipe
from avgdt.cli.grid import GridOptions, print_jobs, run_grid_with_progress, run_job_with_progress
from avgdt.recipes.named import RECIPES
from avgdt.training.signals import advising

USAGE = f"""Measure the natural curriculum: avgdt curriculum RECIPE --data PATH --out DIR [--any.field value].

RECIPE is one of {", ".join(RECIPES)}; it is trained with temporal jittering and strong SpecAugment. Every
run.monitor_epochs epochs, re-identification is measured for five strengths of augmentation. The same command continues
after an interruption. PATH is a folder of recordings or a manifest."""


@dataclass(frozen=True)
class CurriculumOptions(GridOptions):
    """Options of ``avgdt curriculum`` and all fields of the recipe."""

    recordings: int = 96
    """Number of training recordings that are re-identified."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line, and list the runs, train one seed, or train the remaining seeds and write the outcome."""
    recipe, rest = selected_recipe(arguments)
    usage = "avgdt curriculum RECIPE --data PATH --out DIR"
    default = CurriculumOptions(recipe or help_recipe(rest, usage), tyro.MISSING, tyro.MISSING)
    options = parse(CurriculumOptions, rest, "curriculum", USAGE, default)
    check_at_least("--jobs", options.jobs, 1)
    check_at_least("--recordings", options.recordings, 2)
    from avgdt.experiments.curriculum import curriculum_cell, curriculum_monitors, curriculum_outcome
    from avgdt.experiments.grid import Grid
    from avgdt.training.provenance import own_command

    monitors = partial(curriculum_monitors, recordings=options.recordings)
    cells = (curriculum_cell(options.recipe),)
    grid = Grid(cells, options.seeds, options.data, options.out, (), monitors, f"{options.recordings} recordings")
    if options.list:
        print_jobs(grid)
        return
    with advising(lambda: f"finished runs are saved; continue with: {own_command('curriculum', *arguments)}"):
        if options.cell is not None:
            run_job_with_progress(grid, grid.job(options.cell))
        else:
            run_grid_with_progress(grid, options.jobs, ("curriculum", *arguments), lambda: curriculum_outcome(grid))
