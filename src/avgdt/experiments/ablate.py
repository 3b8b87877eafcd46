"""Outcome of an ablation, computed from the results of its runs: answers with intervals, plots and tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from statistics import fmean

from avgdt.composition.errors import CompositionError
from avgdt.experiments.ablations import Ablation, Claim
from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.grid import Grid, GridCell
from avgdt.experiments.outcome import DataTable, Experiment, Plot, PlotSeries, ReferenceLine
from avgdt.experiments.statistics import Difference, Mean, mean_interval, paired_difference
from avgdt.recipes.recipe import Recipe
from avgdt.training.provenance import command, processor_name


def ablation_cells(ablation: Ablation, recipe: Recipe) -> tuple[GridCell, ...]:
    """Return the grid cells of ``ablation`` for ``recipe``.

    Raises :class:`ExperimentError` if a cell is invalid and ``recipe`` has a time shift, and ``CompositionError`` if a
    cell is invalid otherwise.
    """
    try:
        return ablation.cells(recipe)
    except CompositionError as error:
        if recipe.composition.shift:
            raise ExperimentError(
                f"ablate {ablation.name}: one of its cells is not valid with the time shift of this recipe; add "
                f"--composition modality ({error})"
            ) from None
        raise


def ablation_outcome(ablation: Ablation, grid: Grid) -> Experiment:
    """Return the outcome of an ablation, computed from the runs that are complete.

    Raises :class:`ExperimentError` if no run is complete.
    """
    complete = [job for job in grid.jobs if grid.results(job) is not None]
    if not complete:
        raise ExperimentError(f"{grid.out}: no cell is complete; run the command without --cell")
    missing = len(grid.jobs) - len(complete)
    answers = [answer for measure in grid.measures for answer in _answers(ablation, grid, measure.name)]
    if missing:
        answers.append(f"{missing} of {len(grid.jobs)} runs are not complete; the results are preliminary.")
    recipe = grid.cells[0].recipe
    protocols = dict.fromkeys(
        "a linear probe on frozen video features" if measure.protocol.name == "linear" else "cross-modal retrieval"
        for measure in grid.measures
    )
    return Experiment(
        ablation.title,
        ablation.question,
        tuple(answers),
        (
            ("recipe", recipe.title),
            ("views", ", ".join(view.name for view in recipe.composition.views)),
            ("objective", _objective(recipe)),
            ("data", str(grid.data)),
            ("seeds", " ".join(map(str, grid.seeds))),
            ("evaluated by", " and ".join(protocols) + ", on the test split"),
        ),
        tuple(_plot(grid, measure.name) for measure in grid.measures),
        (_means(grid), _differences(ablation, grid), _runs(grid)),
        command(),
        datetime.now().astimezone().isoformat(timespec="seconds"),
        processor_name(),
        ablation.published,
    )


def _objective(recipe: Recipe) -> str:
    objective = recipe.objective
    if objective.negatives == "batch":
        return f"negatives from the batch of {recipe.run.batch}"
    return f"memory bank and momentum encoders, batch of {recipe.run.batch}"


def _answers(ablation: Ablation, grid: Grid, measure: str) -> list[str]:
    sentences = []
    for claim in ablation.claims:
        difference = compare_levels(grid, measure, claim)
        if difference is not None:
            words = {"holds": "holds", "reversed": "the reverse holds", "undecided": "undecided"}[difference.verdict]
            sentences.append(f"{claim.text} ({measure}): {words}, {difference.in_points()}.")
    if ablation.baseline:
        means = {cell.name: mean for cell in grid.cells if (mean := grid.mean(cell, measure)) is not None}
        if len(means) > 1:
            low, high = min(means, key=lambda name: means[name].value), max(means, key=lambda name: means[name].value)
            names = {cell.name: _label(cell) for cell in grid.cells}
            sentences.append(
                f"The mean {measure} is highest for {names[high]} ({_percent(means[high].value)}) and lowest for "
                f"{names[low]} ({_percent(means[low].value)}); the table lists the paired differences."
            )
    return sentences


def compare_levels(grid: Grid, measure: str, claim: Claim) -> Difference | None:
    """Return the difference in ``measure`` between the two levels of a claim, better minus worse, paired by seed.

    All pairs of cells that differ only in these levels are compared. For each level and seed, the values are averaged
    over the cells of the level. Returns None if no seed is complete for all of these cells.
    """
    pairs = [
        (first, second)
        for first in grid.cells
        for second in grid.cells
        if dict(first.levels) == {**dict(second.levels), claim.factor: claim.better}
        and dict(second.levels)[claim.factor] == claim.worse
    ]
    first, second = ([grid.by_seed(pair[side], measure) for pair in pairs] for side in (0, 1))
    return paired_difference(_seed_means(first), _seed_means(second))


def _seed_means(by_cell: list[dict[int, float]]) -> Mapping[int, float]:
    """Return the mean over the cells for each seed that is complete in all cells."""
    seeds = set.intersection(*(set(by_seed) for by_seed in by_cell)) if by_cell else set()
    return {seed: fmean(by_seed[seed] for by_seed in by_cell) for seed in seeds}


def _plot(grid: Grid, measure: str) -> Plot:
    """Plot means with intervals over the levels of the last factor, one series per combination of the other levels."""
    series = []
    for name in dict.fromkeys(_series(cell) for cell in grid.cells):
        cells = [cell for cell in grid.cells if _series(cell) == name]
        points = [(cell.levels[-1][1], mean) for cell in cells if (mean := grid.mean(cell, measure)) is not None]
        has_intervals = all(mean.low is not None for _, mean in points)
        series.append(
            PlotSeries(
                name,
                tuple(level for level, _ in points),
                tuple(mean.value for _, mean in points),
                tuple(mean.low or 0.0 for _, mean in points) if has_intervals else (),
                tuple(mean.high or 0.0 for _, mean in points) if has_intervals else (),
            )
        )
    random = [mean.value for cell in grid.cells if (mean := grid.mean(cell, measure, "random")) is not None]
    return Plot(
        measure.replace("@", "").lower(),
        f"{measure[0].upper()}{measure[1:]} on the test split",
        "Mean over the seeds; bars show 95 % confidence intervals (Student's t distribution).",
        "points",
        grid.cells[0].levels[-1][0],
        f"{measure} (%)",
        tuple(series),
        (ReferenceLine("random weights", fmean(random)),),
    )


def _series(cell: GridCell) -> str:
    return ", ".join(f"{factor} {level}" for factor, level in cell.levels[:-1])


def _means(grid: Grid) -> DataTable:
    measures = [measure.name for measure in grid.measures]
    factors = tuple(factor for factor, _ in grid.cells[0].levels)
    rows = list[tuple[str, ...]]()
    for cell in grid.cells:
        means = [grid.mean(cell, name) for name in measures]
        if all(mean is not None for mean in means):
            rows.append((*(level for _, level in cell.levels), *(_with_std(mean) for mean in means if mean)))
    random = [_random_mean(grid, name) for name in measures]
    rows.append(("random weights", *[""] * (len(factors) - 1), *(_with_std(mean) for mean in random)))
    head = (*factors, *(f"{name} (%)" for name in measures))
    return DataTable("means", "Means over the seeds", head, tuple(rows), "Mean ± standard deviation over the seeds.")


def _random_mean(grid: Grid, measure: str) -> Mean:
    """Return the mean over seeds for networks with random weights; for each seed, the cells are averaged first."""
    by_cell = [grid.by_seed(cell, measure, "random") for cell in grid.cells]
    seeds = sorted(set().union(*by_cell))
    return mean_interval([fmean(by_seed[seed] for by_seed in by_cell if seed in by_seed) for seed in seeds])


def _with_std(mean: Mean) -> str:
    return f"{100 * mean.value:.1f}" + ("" if mean.std is None else f" ± {100 * mean.std:.1f}")


def _differences(ablation: Ablation, grid: Grid) -> DataTable:
    rows = list[tuple[str | float | None, ...]]()
    for measure in grid.measures:
        for name, difference in _compared(ablation, grid, measure.name):
            mean = difference.mean
            ends = (None if end is None else 100 * end for end in (mean.low, mean.high))
            rows.append((name, measure.name, 100 * mean.value, *ends, difference.p, float(mean.count)))
    return DataTable(
        "differences",
        "Paired differences",
        ("comparison", "measure", "difference (percentage points)", "95 % low", "95 % high", "p", "seeds"),
        tuple(rows),
        "Differences between runs with the same seed; p by paired t tests, not corrected for multiple comparisons.",
    )


def _compared(ablation: Ablation, grid: Grid, measure: str) -> list[tuple[str, Difference]]:
    named = [
        (f"{claim.factor}: {claim.better} - {claim.worse}", compare_levels(grid, measure, claim))
        for claim in ablation.claims
    ]
    if ablation.baseline:
        factor = grid.cells[0].levels[-1][0]
        levels = [level for cell in grid.cells for _, level in cell.levels if level != ablation.baseline]
        named += [
            (
                f"{level} - {ablation.baseline}",
                compare_levels(grid, measure, Claim("", factor, level, ablation.baseline)),
            )
            for level in levels
        ]
    return [(name, difference) for name, difference in named if difference is not None]


def _runs(grid: Grid) -> DataTable:
    measures = [measure.name for measure in grid.measures]
    rows: list[tuple[str | float | None, ...]] = [
        (
            *(level for _, level in job.cell.levels),
            float(job.seed),
            *(100 * values[name][source] for name in measures for source in ("pretrained", "random")),
        )
        for job in grid.jobs
        if (values := grid.results(job)) is not None
    ]
    head = [f"{name}{suffix} (%)" for name in measures for suffix in ("", ", random weights")]
    factors = (factor for factor, _ in grid.cells[0].levels)
    return DataTable("runs", "Every run", (*factors, "seed", *head), tuple(rows))


def _label(cell: GridCell) -> str:
    return ", ".join(level for _, level in cell.levels)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"
