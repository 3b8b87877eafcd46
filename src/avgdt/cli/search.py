"""``avgdt search``: search for the best composition, then retrain it and the recipe's own composition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from avgdt.cli.arguments import UsageError, check_at_least, help_recipe, parse, selected_recipe
from avgdt.cli.grid import run_job_with_progress, run_jobs, write_page
from avgdt.progress import bar, console
from avgdt.recipes.named import RECIPES
from avgdt.recipes.recipe import Recipe
from avgdt.training.signals import advising

if TYPE_CHECKING:
    from avgdt.experiments.search import Search

USAGE = f"""Search for a composition: avgdt search RECIPE --data PATH --out DIR [--any.field value].

RECIPE is one of {", ".join(RECIPES)}. Each trial trains the recipe with a different composition and the same
training budget. Trials are evaluated on the val split. --confirm N retrains the best composition that the search has
found and the recipe's own composition with N new seeds, and evaluates both once on the test split. The same command
continues after an interruption; --trials may then be higher."""


@dataclass(frozen=True)
class SearchOptions:
    """Options of ``avgdt search`` and all fields of the recipe."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    data: Path
    """Manifest (csv) with the splits train, test and, optionally, val."""
    out: Path
    """Output folder of the search, for search.db, trials, best.yaml, experiment.json, experiment.html, plots and
    tables."""
    trials: int = 50
    """Total number of trials over all sessions."""
    label: str = "label"
    """Column of the class labels for the linear probe that scores a trial; empty to score by recall on held-out
    recordings."""
    jobs: int = 1
    """Number of simultaneous trials, among which the processor cores are divided."""
    confirm: int = 0
    """Number of new seeds with which the best composition and the recipe's own composition are retrained."""
    worker: bool = False
    """Whether to only run trials, in this process, until the total number is reached; for cluster jobs."""
    cell: int | None = None
    """Index, from 0, of the single confirmation run to execute."""


def run(arguments: Sequence[str]) -> None:
    """Parse the command line, run the remaining trials, confirm the best composition, and write the outcome."""
    recipe, rest = selected_recipe(arguments)
    usage = "avgdt search RECIPE --data PATH --out DIR"
    default = SearchOptions(recipe or help_recipe(rest, usage), tyro.MISSING, tyro.MISSING)
    options = parse(SearchOptions, rest, "search", USAGE, default)
    check_at_least("--jobs", options.jobs, 1)
    check_at_least("--trials", options.trials, 1)
    check_at_least("--confirm", options.confirm, 0)
    from avgdt.experiments.grid import probe_and_retrieval
    from avgdt.experiments.runs import check_data
    from avgdt.experiments.search import Search
    from avgdt.experiments.workers import raise_failures
    from avgdt.report.plots import require_matplotlib
    from avgdt.training.provenance import own_command

    check_data(options.data, options.recipe, options.label)
    search = Search(options.recipe, options.data, options.out, options.trials, options.label)
    with advising(lambda: f"finished trials are saved; continue with: {own_command('search', *arguments)}"):
        if options.worker:
            search.work(lambda number, result: console.print(f"trial {number}: {result}"), console.print)
            return
        measures = probe_and_retrieval(options.label)
        if options.cell is not None:
            if not options.confirm:
                raise UsageError("--cell: selects a confirmation run, and needs --confirm; add --confirm SEEDS")
            grid = search.confirmation(options.confirm, measures)
            run_job_with_progress(grid, grid.job(options.cell))
            return
        require_matplotlib()
        failures = _run_trials(search, options.jobs, ("search", *arguments))
        path = search.write_best()
        confirmation = search.confirmation(options.confirm, measures) if options.confirm else None
        if confirmation is not None:
            failures += run_jobs(confirmation, options.jobs, ("search", *arguments))
        from avgdt.experiments.search_outcome import search_outcome  # imports Optuna, an optional dependency

        write_page(search_outcome(search, confirmation), search.out)
        raise_failures(failures)
        print(f"wrote {path}; train it with: avgdt pretrain --config {path} --data PATH --out RUN")


def _run_trials(search: Search, jobs: int, command: Sequence[str]) -> list[str]:
    """Run worker processes until the study has enough trials, and return a sentence for each failed worker.

    The function shows a progress bar, and prints a line for each finished trial.
    """
    from avgdt.experiments.search import FAILED, counts
    from avgdt.experiments.workers import AvgdtProcess, run_processes

    study = search.study()
    with bar() as progress:
        task = progress.add_task("trials", total=search.trials, note="")
        seen = {trial.number for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()}

        def poll() -> None:
            trials = study.get_trials(deepcopy=False)
            finished = [trial for trial in trials if trial.state.is_finished() and counts(trial)]
            for trial in finished:
                if trial.number not in seen:
                    seen.add(trial.number)
                    failed = f"failed: {trial.user_attrs.get(FAILED)}"
                    words = {"COMPLETE": f"{100 * (trial.value or 0.0):.1f} %", "PRUNED": "pruned", "FAIL": failed}
                    console.print(f"trial {trial.number}: {words[trial.state.name]}")
            progress.update(task, completed=len(finished))

        processes = [
            AvgdtProcess(f"worker {i}", (*command, "--worker"), search.out / f"worker-{i}.log") for i in range(jobs)
        ]
        failures = run_processes(processes, jobs, lambda process: None, lambda process: None, poll)
        poll()
        return failures
