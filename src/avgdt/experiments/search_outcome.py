"""Outcome of a search: ranked trials, the importance of each dimension, and the confirmation on the test split."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from avgdt.experiments.grid import Grid
from avgdt.experiments.outcome import DataTable, Experiment, Plot, PlotSeries, ReferenceLine
from avgdt.experiments.search import Search
from avgdt.experiments.space import DIMENSIONS, choices_line, own_choices
from avgdt.experiments.statistics import mean_interval, paired_difference
from avgdt.training.provenance import command, processor_name

COMPLETE = (TrialState.COMPLETE,)
LEAST_TRIALS = 20
"""Minimum number of complete trials for computing importances."""


class Importance(NamedTuple):
    """Importance of a dimension over bootstrap samples of the trials; in each sample, all importances sum to 1."""

    median: float
    low: float
    """Lower bound of the 95 % interval."""
    high: float
    """Upper bound of the 95 % interval."""


def importances(study: optuna.Study, samples: int = 40) -> dict[str, Importance]:
    """Return the importance of each dimension by fANOVA, computed for ``samples`` bootstrap samples of the trials.

    The result is empty if there are fewer than ``LEAST_TRIALS`` complete trials, or if all trials have the same value.
    """
    complete = study.get_trials(deepcopy=False, states=COMPLETE)
    if len(complete) < LEAST_TRIALS or len({trial.value for trial in complete}) < 2:
        return {}
    draws = [random.Random(seed).choices(complete, k=len(complete)) for seed in range(samples)]
    forests = [_by_fanova(draw, seed) for seed, draw in enumerate(draws) if len({trial.value for trial in draw}) > 1]
    by_name = {name: [forest[name] for forest in forests] for name in DIMENSIONS}
    return {name: Importance(*map(float, np.percentile(x, (50, 2.5, 97.5)))) for name, x in by_name.items()}


def _by_fanova(trials: Sequence[FrozenTrial], seed: int) -> dict[str, float]:
    """Fit a random forest to ``trials`` and return the importances; they are 0 for dimensions with a single level."""
    study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    varying = [name for name in DIMENSIONS if len({trial.params[name] for trial in trials}) > 1]
    return dict.fromkeys(DIMENSIONS, 0.0) | get_param_importances(
        study, evaluator=FanovaImportanceEvaluator(seed=seed), params=varying
    )


def search_outcome(search: Search, confirmation: Grid | None) -> Experiment:
    """Return the outcome of a search: ranked trials, importances of dimensions, and the confirmation if it exists."""
    study = search.study()
    complete = search.ranked()
    best = complete[0]
    pruned = sum(trial.state.name == "PRUNED" for trial in study.get_trials(deepcopy=False))
    answers = [
        f"The best of {len(complete)} complete trials ({pruned} pruned), trial {best.number}, reaches "
        f"{100 * (best.value or 0.0):.1f} % ({search.measure}; the maximum over trials is biased upwards): "
        f"{choices_line(best.params)}."
    ]
    own = own_choices(search.recipe)
    for rank, trial in enumerate(complete, start=1):
        if trial.params == own:
            answers.append(f"The recipe's own composition reaches {100 * (trial.value or 0.0):.1f} % (rank {rank}).")
    plots, tables = [_history(study, search.measure)], [_ranked(complete)]
    if matter := importances(study):
        plots.append(_importance_plot(matter))
        tables.append(_level_table(complete))
        first = max(matter, key=lambda name: matter[name].median)
        median, low, high = (100 * number for number in matter[first])
        interval = f"95 % interval {low:.0f} to {high:.0f} %"
        answers.append(f"The most important dimension is {first}: {median:.0f} % by fANOVA ({interval}).")
    if confirmation is not None:
        answers += _confirmed(confirmation)
        tables.append(_confirmation_table(confirmation))
    return Experiment(
        "Search for compositions",
        "Which factors, levels and augmentations yield better features than the hand-designed composition?",
        tuple(answers),
        (
            ("recipe", search.recipe.title),
            ("data", str(search.data)),
            ("ranked by", search.measure),
            ("trials", f"{len(complete)} complete, {pruned} pruned"),
            (
                "budget of a trial",
                f"{search.recipe.schedule.epochs} epochs of {len(search.recipe.composition.views)} views",
            ),
        ),
        tuple(plots),
        tuple(tables),
        command(),
        datetime.now().astimezone().isoformat(timespec="seconds"),
        processor_name(),
    )


def _confirmed(grid: Grid) -> list[str]:
    searched, by_hand = grid.cells
    sentences = []
    for measure in grid.measures:
        difference = paired_difference(grid.by_seed(searched, measure.name), grid.by_seed(by_hand, measure.name))
        if difference is not None:
            sentences.append(
                "Retrained with fresh seeds and evaluated on the test split: "
                f"{measure.name} of the best found composition minus {measure.name} of the recipe's own composition is "
                f"{difference.in_points()}."
            )
    return sentences


def _confirmation_table(grid: Grid) -> DataTable:
    rows: list[tuple[str | float | None, ...]] = [
        (cell.levels[0][1], float(seed), *(100 * grid.by_seed(cell, m.name)[seed] for m in grid.measures))
        for cell in grid.cells
        for seed in (grid.by_seed(cell, grid.measures[0].name))
    ]
    head = ("composition", "seed", *(f"{measure.name} (%)" for measure in grid.measures))
    return DataTable("confirmation", "Confirmation with fresh seeds, on the test split", head, tuple(rows))


def _history(study: optuna.Study, measure: str) -> Plot:
    trials = study.get_trials(deepcopy=False, states=COMPLETE)
    x, values = tuple(float(trial.number) for trial in trials), [trial.value or 0.0 for trial in trials]
    best = tuple(max(values[: i + 1]) for i in range(len(values)))
    series = (PlotSeries("trial", x, tuple(values)), PlotSeries("best so far", x, best))
    return Plot(
        "trials",
        "Trials in chronological order",
        f"Complete trials, by {measure}.",
        "lines",
        "trial",
        "value (%)",
        series,
    )


def _importance_plot(matter: Mapping[str, Importance]) -> Plot:
    names = sorted(matter, key=lambda name: -matter[name].median)
    values, low, high = zip(*(matter[name] for name in names), strict=True)
    series = PlotSeries("", tuple(names), values, low, high)
    note = (
        "Relative importance by fANOVA among complete trials: medians and 95 % intervals over bootstrap samples of the "
        "trials. In each sample, the sum is 100 %."
    )
    level = ReferenceLine("equal importance", 1 / len(names))
    return Plot("importance", "Importance of the dimensions", note, "bars", "", "importance (%)", (series,), (level,))


def _ranked(trials: Sequence[FrozenTrial]) -> DataTable:
    rows = list[tuple[str | float | None, ...]]()
    for rank, trial in enumerate(trials, start=1):
        choices = (str(trial.params[name]) for name in DIMENSIONS)
        rows.append((float(rank), float(trial.number), 100 * (trial.value or 0.0), *choices))
    return DataTable("trials", "Trials in order of rank", ("rank", "trial", "value (%)", *DIMENSIONS), tuple(rows))


def _level_table(trials: Sequence[FrozenTrial]) -> DataTable:
    rows = list[tuple[str | float | None, ...]]()
    for name, levels in DIMENSIONS.items():
        for level in levels:
            values = [trial.value or 0.0 for trial in trials if trial.params[name] == level]
            if values:
                mean = mean_interval(values)
                ends = (None if end is None else 100 * end for end in (mean.low, mean.high))
                rows.append((name, level, float(len(values)), 100 * mean.value, *ends))
    note = "Means over complete trials (without pruned ones) with 95 % intervals; the sampler favours good levels."
    head = ("dimension", "level", "trials", "mean (%)", "95 % low", "95 % high")
    return DataTable("levels", "Means by level", head, tuple(rows), note)
