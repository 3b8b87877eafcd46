"""Natural curriculum (figure 3 of the paper): re-identification accuracy by augmentation strength during training.

The gradient of the loss (equation 6) with respect to a query is (1 / tau) [ (1 - p) k - sum_n p_n n ] up to the sign;
``docs/gradient.md`` compares it with equation 3 of the paper. Here p is the probability of the positive key k, and p_n
is the probability of a negative key n. Easy pairs have p near 1 and a small gradient, so training shifts automatically
from lightly to strongly augmented pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import fmean

import torch

from avgdt.composition.audio_augmentations import SpecAugment
from avgdt.composition.factors import Modality
from avgdt.data.batch import Batch, collate
from avgdt.data.selection import Selection
from avgdt.experiments.ablations import timed, with_spec_augment
from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.grid import CellRun, Grid, GridCell
from avgdt.experiments.outcome import DataTable, Experiment, Plot, PlotSeries, ReferenceLine
from avgdt.experiments.runs import Monitors
from avgdt.experiments.statistics import Difference, mean_interval, paired_difference
from avgdt.recipes.recipe import Recipe
from avgdt.training.learner import Learner
from avgdt.training.loop import Metrics
from avgdt.training.metrics import read_metrics
from avgdt.training.provenance import command, processor_name
from avgdt.training.recordings import run_store, training_clips
from avgdt.transforms.views import Views

KIND = "curriculum"
"""Kind of the lines in ``metrics.jsonl`` that contain measurements of the curriculum."""
CHUNK = 32
"""Number of recordings that are embedded in one batch."""


@dataclass(frozen=True)
class Stratum:
    """Stratum of the curriculum: pairs of views that are augmented with the same strength."""

    name: str
    jitter: bool
    masks: SpecAugment

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with one view per modality, augmented with the strength of this stratum."""
        composition = replace(recipe.composition, factors=(Modality(),), partners="different")
        plain = replace(recipe, composition=composition)
        return timed(with_spec_augment(plain, self.masks), jitter=self.jitter)


STRATA = (
    Stratum("no jitter, no masks", False, SpecAugment.none()),
    Stratum("jitter", True, SpecAugment.none()),
    Stratum("jitter, mild masks", True, SpecAugment.mild()),
    Stratum("jitter, medium masks", True, SpecAugment.medium()),
    Stratum("jitter, strong masks", True, SpecAugment.strong()),
)
"""Strata of the curriculum, from the lightest to the strongest augmentation."""


def curriculum_cell(recipe: Recipe) -> GridCell:
    """Return the grid cell of the measured run: the recipe with the strongest augmentation of ``STRATA``.

    Raises :class:`ExperimentError` if the recipe has a single modality, or if it disables monitoring during training.
    """
    if set(recipe.composition.modalities) != {"video", "audio"}:
        raise ExperimentError("composition: the curriculum needs video and audio; choose a recipe with both")
    if recipe.run.monitor_epochs == 0:
        raise ExperimentError("run.monitor_epochs: 0 disables measurements during training; use 1 or more")
    strongest = timed(with_spec_augment(recipe, STRATA[-1].masks), jitter=True)
    return GridCell((("recipe", "strong"),), strongest)


def gradient_norms(queries: torch.Tensor, keys: torch.Tensor, temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each query's probability of its positive and its gradient norm, both (n,); see the module docstring.

    ``queries`` and ``keys`` are (n, dim), with rows of unit length. Key i is the positive of query i, and all other
    keys are its negatives.
    """
    probabilities = torch.softmax(queries @ keys.T / temperature, dim=1)  # (n, n)
    gradient = (keys - probabilities @ keys) / temperature  # (1 - p) k - sum_n p_n n = k - sum_m p_m m
    return probabilities.diagonal(), gradient.norm(dim=1)


class CurriculumMonitor:
    """Training monitor that measures re-identification and gradients of every stratum on training recordings."""

    def __init__(self, recipe: Recipe, collection: Selection, folder: Path, recordings: int) -> None:
        self._recipes = [stratum.recipe(recipe) for stratum in STRATA]
        count = min(recordings, len(collection.train))
        rows = [
            round(i * (len(collection.train) - 1) / (count - 1)) for i in range(count)
        ]  # evenly spaced in manifest order
        part = replace(collection, train=tuple(collection.train[row] for row in rows))
        self._items = range(len(part.train))
        store = run_store(recipe, collection, folder)
        self._clips = [training_clips(variant, part, store) for variant in self._recipes]
        self._views = [Views.of(variant) for variant in self._recipes]

    def __call__(self, learner: Learner) -> Metrics | None:
        """Measure every stratum and return the metrics, or return None if the current step is not monitored."""
        if not learner.monitored(learner.step):
            return None
        measured = {stratum.name: self._measure(learner, index) for index, stratum in enumerate(STRATA)}
        total = sum(values["gradient"] for values in measured.values())
        return {
            "kind": KIND,
            "strata": {
                name: {**values, "gradient_share": values["gradient"] / total if total else 1 / len(measured)}
                for name, values in measured.items()
            },
        }

    @torch.no_grad()
    def _measure(self, learner: Learner, index: int) -> dict[str, float]:
        epoch = round(learner.epoch)
        queries, keys = self._embed(learner, index, epoch)
        temperature = learner.recipe.objective.temperature
        accuracies, probabilities, gradients = [], [], []
        for query, key in ((0, 1), (1, 0)):
            probability, gradient = gradient_norms(queries[query], keys[key], temperature)
            cosines = queries[query] @ keys[key].T
            negatives = cosines.masked_fill(torch.eye(len(cosines), dtype=torch.bool), -torch.inf)
            accuracies.append((cosines.diagonal() > negatives.amax(dim=1)).float().mean().item())
            probabilities.append(probability.mean().item())
            gradients.append(gradient.mean().item())
        return {
            "accuracy": fmean(accuracies),
            "positive_probability": fmean(probabilities),
            "gradient": fmean(gradients),
        }

    def _embed(self, learner: Learner, index: int, epoch: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Compute the queries and keys of video and audio, each (n, dim) in float32 on the CPU."""
        networks = [learner.phi, learner.key_encoder.phi if learner.key_encoder else learner.phi]
        modalities = [view.modality for view in self._recipes[index].composition.views]
        vectors: list[list[list[torch.Tensor]]] = [[[], []], [[], []]]
        for begin in range(0, len(self._items), CHUNK):
            batch = self._batch(index, epoch, self._items[begin : begin + CHUNK]).to(learner.precision.device)
            views = self._views[index](batch, epoch)
            for network, parts in zip(networks, vectors, strict=True):
                training = network.training
                with learner.precision.autocast():
                    embeddings = network.eval()(views, modalities)
                network.train(training)
                for part, embedding in zip(parts, embeddings, strict=True):
                    part.append(embedding.float().cpu())
        queries, keys = ([torch.cat(part) for part in parts] for parts in vectors)
        return queries, keys

    def _batch(self, index: int, epoch: int, items: Sequence[int]) -> Batch:
        return collate([self._clips[index][epoch, item] for item in items])


def curriculum_monitors(job: CellRun, recordings: int) -> Monitors:
    """Return a function that creates the curriculum monitor of a job, which measures ``recordings`` recordings."""
    return lambda recipe, collection, on_unreadable: [CurriculumMonitor(recipe, collection, job.run, recordings)]


def read_curriculum(run: Path) -> list[Metrics]:
    """Read the measurements of the curriculum from the ``metrics.jsonl`` of a run.

    Raises :class:`ExperimentError` if there are none.
    """
    measured = [metrics for metrics in read_metrics(run / "metrics.jsonl") if metrics["kind"] == KIND]
    if not measured:
        raise ExperimentError(f"{run}: has no measurements of the curriculum in metrics.jsonl; use another --out")
    return measured


def curriculum_outcome(grid: Grid) -> Experiment:
    """Return the outcome of the curriculum experiment, computed from the seeds that are complete.

    The outcome contains the curves of every stratum, and tests whether lightly augmented pairs have a higher
    re-identification accuracy, averaged over training, and whether their fraction of the gradient falls during
    training. Raises :class:`ExperimentError` if no seed is complete.
    """
    runs = {job.seed: read_curriculum(job.run) for job in grid.jobs if grid.results(job) is not None}
    if not runs:
        raise ExperimentError(f"{grid.out}: no seed is complete; run the command without --cell")
    recipe = grid.cells[0].recipe
    names = [stratum.name for stratum in STRATA]
    return Experiment(
        "The natural curriculum",
        "Are lightly augmented pairs re-identified before strongly augmented ones, and does their gradient fade first?",
        tuple(_answers(runs)),
        (
            ("recipe", recipe.title),
            ("objective", f"negatives from the {recipe.objective.negatives}"),
            ("data", str(grid.data)),
            ("seeds", " ".join(map(str, runs))),
            ("measured on", f"the training set ({grid.settings}), with the networks in evaluation mode"),
        ),
        (
            _plot(runs, names, "accuracy", "Re-identification accuracy", "accuracy (%)"),
            _plot(runs, names, "gradient_share", "Fraction of the gradient", "fraction (%)", 1 / len(names)),
            _plot(runs, names, "positive_probability", "Probability of the positive", "probability (%)"),
        ),
        (_table(runs, names),),
        command(),
        datetime.now().astimezone().isoformat(timespec="seconds"),
        processor_name(),
    )


def _answers(runs: dict[int, list[Metrics]]) -> list[str]:
    light, strong = STRATA[0].name, STRATA[-1].name
    first, last = (
        {seed: fmean(m["strata"][name]["accuracy"] for m in metrics) for seed, metrics in runs.items()}
        for name in (light, strong)
    )
    fractions = {
        when: {seed: metrics[index]["strata"][light]["gradient_share"] for seed, metrics in runs.items()}
        for when, index in (("start", 0), ("end", -1))
    }
    accuracy, fading = paired_difference(first, last), paired_difference(fractions["start"], fractions["end"])
    sentences = []
    if accuracy is not None:
        sentences.append(
            f"Averaged over training, lightly augmented pairs ({light}) are re-identified more often than strongly "
            f"augmented ones ({strong}): {_words(accuracy)}."
        )
    if fading is not None:
        sentences.append(
            f"The fraction of the gradient from lightly augmented pairs ({light}) falls during training: "
            f"{_words(fading)}."
        )
    return sentences


def _words(difference: Difference) -> str:
    verdict = {"holds": "holds", "reversed": "the reverse holds", "undecided": "undecided"}[difference.verdict]
    return f"{verdict}, {difference.in_points()}"


def _plot(
    runs: dict[int, list[Metrics]],
    names: Sequence[str],
    quantity: str,
    title: str,
    label: str,
    level: float | None = None,
) -> Plot:
    steps = [metrics["step"] for metrics in next(iter(runs.values()))]
    series = []
    for name in names:
        means = [mean_interval([run[i]["strata"][name][quantity] for run in runs.values()]) for i in range(len(steps))]
        intervals = all(mean.low is not None for mean in means)
        series.append(
            PlotSeries(
                name,
                tuple(float(metrics["epoch"]) for metrics in next(iter(runs.values()))),
                tuple(mean.value for mean in means),
                tuple(mean.low or 0.0 for mean in means) if intervals else (),
                tuple(mean.high or 0.0 for mean in means) if intervals else (),
            )
        )
    references = () if level is None else (ReferenceLine("equal fractions", level),)
    note = "Mean over seeds and both directions (video to audio, audio to video), with 95 % intervals over seeds."
    return Plot(quantity.replace("_", "-"), title, note, "lines", "epoch", label, tuple(series), references)


def _table(runs: dict[int, list[Metrics]], names: Sequence[str]) -> DataTable:
    quantities = ("accuracy", "positive_probability", "gradient_share", "gradient")
    rows = tuple(
        (name, float(seed), float(metrics["epoch"]), *(metrics["strata"][name][quantity] for quantity in quantities))
        for name in names
        for seed, run in runs.items()
        for metrics in run
    )
    head = (
        "augmentation",
        "seed",
        "epoch",
        "accuracy",
        "probability of the positive",
        "gradient share",
        "gradient norm",
    )
    return DataTable("curriculum", "Every measurement", head, rows)
