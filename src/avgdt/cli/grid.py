"""Running a grid of an experiment with progress: its remaining jobs in processes of their own, or one of them here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from avgdt.progress import bar, console
from avgdt.recipes.recipe import Recipe

if TYPE_CHECKING:
    from avgdt.experiments.grid import CellFigures, CellRun, Grid
    from avgdt.experiments.outcome import Experiment


@dataclass(frozen=True)
class GridOptions:
    """Options of a command that runs a grid: recipe, data, folder, seeds, and which runs."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    data: Path
    """A manifest (csv) with the splits train, test and, if there is one, val."""
    out: Path
    """Folder of the experiment: runs, experiment.json, experiment.html, plots and tables."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of every cell."""
    jobs: int = 1
    """Runs at a time, which share the cores."""
    cell: int | None = None
    """Run only the cell and seed of this index, from 0; --list prints the indices."""
    list: bool = False
    """Print the cells with their indices, and which are complete; nothing is run."""


def list_jobs(grid: Grid) -> None:
    """Print every cell and seed with its index, and whether it is complete."""
    for index, job in enumerate(grid.jobs):
        print(f"{index:>4}  {job.name}{'  complete' if grid.figures(job) is not None else ''}")


def run_job_with_progress(grid: Grid, job: CellRun) -> None:
    """Run one job in this process and print its figures."""
    with bar() as progress:
        task = progress.add_task(job.name, total=None, note="")
        figures = grid.run(job, console.print, lambda metrics: progress.update(task, completed=metrics["step"]))
    print(_line(job, figures))


def run_grid_with_progress(grid: Grid, jobs: int, command: Sequence[str], outcome: Callable[[], Experiment]) -> None:
    """Run what remains of a grid as :func:`run_jobs` does, then write the outcome and its page.

    Where a job fails, the others run all the same, and the error is raised after the page is written.
    """
    from avgdt.experiments.workers import raise_failures
    from avgdt.report.plots import require_matplotlib

    require_matplotlib()
    failures = run_jobs(grid, jobs, command)
    if any(grid.figures(job) is not None for job in grid.jobs):
        write_page(outcome(), grid.out)
    raise_failures(failures)


def run_jobs(grid: Grid, jobs: int, command: Sequence[str]) -> list[str]:
    """Run the jobs of a grid that are not complete, ``jobs`` at a time, each in a process; return the failures.

    ``command`` are the arguments of ``avgdt`` to which ``--cell INDEX`` is appended for each job.
    """
    from avgdt.experiments.workers import Work, run_processes

    remaining = {
        job.name: (job, Work(job.name, (*command, "--cell", str(index)), job.log))
        for index, job in enumerate(grid.jobs)
        if grid.figures(job) is None
    }
    with bar() as progress:
        completed = len(grid.jobs) - len(remaining)
        task = progress.add_task("runs", total=len(grid.jobs), completed=completed, note="")

        def done(work: Work) -> None:
            job = remaining[work.name][0]
            progress.advance(task)
            console.print(_line(job, grid.figures(job) or {}))

        def started(work: Work) -> None:
            progress.update(task, note=work.name)
            console.print(f"started {work.name}, output in {work.log}")

        return run_processes([work for _, work in remaining.values()], jobs, done, started)


def write_page(outcome: Experiment, folder: Path) -> None:
    """Write an experiment's outcome and page into ``folder`` and print the findings."""
    from avgdt.experiments.outcome import write_outcome
    from avgdt.report.experiment import write_experiment

    write_outcome(outcome, folder)
    for answer in outcome.answers:
        print(answer)
    print(f"wrote {write_experiment(folder)}")


def _line(job: CellRun, figures: CellFigures) -> str:
    values = (
        f"{name} {100 * each['pretrained']:.1f} % (random weights {100 * each['random']:.1f} %)"
        for name, each in figures.items()
    )
    return ": ".join(filter(None, [job.name, ", ".join(values)]))
