"""Shared code of the commands that run an experiment grid: options, progress, and the page with the outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from avgdt.progress import bar, console
from avgdt.recipes.recipe import Recipe

if TYPE_CHECKING:
    from avgdt.experiments.grid import CellResults, CellRun, Grid
    from avgdt.experiments.outcome import Experiment


@dataclass(frozen=True)
class GridOptions:
    """Options of a command that runs a grid: recipe, data, folder, seeds, and the selection of runs."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    data: Path
    """Manifest (csv) with the splits train, test and, optionally, val."""
    out: Path
    """Output folder of the experiment, for runs, experiment.json, experiment.html, plots and tables."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds with which each cell is run."""
    jobs: int = 1
    """Number of simultaneous runs, among which the processor cores are divided."""
    cell: int | None = None
    """Index, from 0, of the single cell and seed to run; --list prints the indices."""
    list: bool = False
    """Whether to list the cells with their indices and completion status instead of running them."""


def print_jobs(grid: Grid) -> None:
    """Print each cell and seed with its index, and whether it is complete."""
    for index, job in enumerate(grid.jobs):
        print(f"{index:>4}  {job.name}{'  complete' if grid.results(job) is not None else ''}")


def run_job_with_progress(grid: Grid, job: CellRun) -> None:
    """Run one job in this process with a progress bar, and print its metrics."""
    with bar() as progress:
        task = progress.add_task(job.name, total=None, note="")
        values = grid.run(job, console.print, lambda metrics: progress.update(task, completed=metrics["step"]))
    print(_line(job, values))


def run_grid_with_progress(grid: Grid, jobs: int, command: Sequence[str], outcome: Callable[[], Experiment]) -> None:
    """Run the incomplete jobs of a grid with :func:`run_jobs`, then write the outcome and its page.

    If a job fails, the other jobs still run, and the error is raised after the page is written.
    """
    from avgdt.experiments.workers import raise_failures
    from avgdt.report.plots import require_matplotlib

    require_matplotlib()
    failures = run_jobs(grid, jobs, command)
    if any(grid.results(job) is not None for job in grid.jobs):
        write_page(outcome(), grid.out)
    raise_failures(failures)


def run_jobs(grid: Grid, jobs: int, command: Sequence[str]) -> list[str]:
    """Run the incomplete jobs of a grid, each in its own process, and return a sentence for each failed job.

    At most ``jobs`` processes run at the same time. ``command`` holds the arguments of ``avgdt``, to which each process
    appends ``--cell INDEX``.
    """
    from avgdt.experiments.workers import AvgdtProcess, run_processes

    remaining = {
        job.name: (job, AvgdtProcess(job.name, (*command, "--cell", str(index)), job.log))
        for index, job in enumerate(grid.jobs)
        if grid.results(job) is None
    }
    with bar() as progress:
        completed = len(grid.jobs) - len(remaining)
        task = progress.add_task("runs", total=len(grid.jobs), completed=completed, note="")

        def done(work: AvgdtProcess) -> None:
            job = remaining[work.name][0]
            progress.advance(task)
            console.print(_line(job, grid.results(job) or {}))

        def started(work: AvgdtProcess) -> None:
            progress.update(task, note=work.name)
            console.print(f"started {work.name}, output in {work.log}")

        return run_processes([work for _, work in remaining.values()], jobs, done, started)


def write_page(outcome: Experiment, folder: Path) -> None:
    """Write the outcome and the page of an experiment into ``folder`` and print its results."""
    from avgdt.experiments.outcome import write_outcome
    from avgdt.report.experiment import write_experiment

    write_outcome(outcome, folder)
    for answer in outcome.answers:
        print(answer)
    print(f"wrote {write_experiment(folder)}")


def _line(job: CellRun, metrics: CellResults) -> str:
    values = (
        f"{name} {100 * by_weights['pretrained']:.1f} % (random weights {100 * by_weights['random']:.1f} %)"
        for name, by_weights in metrics.items()
    )
    return ": ".join(filter(None, [job.name, ", ".join(values)]))
