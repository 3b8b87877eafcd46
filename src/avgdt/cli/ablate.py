"""``avgdt ablate``: pretrain and evaluate a grid of recipes over several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tyro

from avgdt.cli.arguments import UsageError, check_at_least, help_recipe, parse, positional, selected_recipe
from avgdt.cli.grid import GridOptions, print_jobs, run_grid_with_progress, run_job_with_progress
from avgdt.recipes.named import RECIPES
from avgdt.training.signals import advising

USAGE = f"""Run an ablation: avgdt ablate NAME RECIPE --data PATH --out DIR [--any.field value].

NAME is jitter (table 1a of the paper), audio (table 1b) or sensitivity. RECIPE is one of {", ".join(RECIPES)}; all
cells use its settings. The same command continues after an interruption: complete runs are skipped, other runs are
resumed. On a cluster, --cell INDEX runs one cell with one seed; the command without --cell then writes the outcome."""


@dataclass(frozen=True)
class AblateOptions(GridOptions):
    """Options of ``avgdt ablate`` and all fields of the recipe."""

    label: str = "label"
    """Column of the class labels for the linear probe; empty to evaluate retrieval only."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line, and list the cells of the ablation, run one of them, or run all of them."""
    usage = "avgdt ablate NAME RECIPE --data PATH --out DIR"
    name, rest = positional(arguments)
    if name is None and not {"-h", "--help"} & set(rest):
        raise UsageError(f"NAME is missing; usage: {usage}; NAME is one of jitter, audio, sensitivity")
    recipe, rest = selected_recipe(rest)
    default = AblateOptions(recipe or help_recipe(rest, usage), tyro.MISSING, tyro.MISSING)
    options = parse(AblateOptions, rest, "ablate", USAGE, default)
    check_at_least("--jobs", options.jobs, 1)
    from avgdt.experiments.ablate import ablation_cells, ablation_outcome
    from avgdt.experiments.ablations import ablation
    from avgdt.experiments.grid import Grid, probe_and_retrieval
    from avgdt.experiments.runs import check_data
    from avgdt.training.provenance import own_command

    chosen = ablation(name or "")
    check_data(options.data, options.recipe, options.label)
    cells = ablation_cells(chosen, options.recipe)
    grid = Grid(cells, options.seeds, options.data, options.out, probe_and_retrieval(options.label))
    if options.list:
        print_jobs(grid)
        return
    with advising(lambda: f"finished runs are saved; continue with: {own_command('ablate', *arguments)}"):
        if options.cell is not None:
            run_job_with_progress(grid, grid.job(options.cell))
        else:
            command = ("ablate", *arguments)
            run_grid_with_progress(grid, options.jobs, command, lambda: ablation_outcome(chosen, grid))
