"""Finetuning in each of several official splits, from pretrained and from random weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.evaluation.finetuning.finetune import Guessed, Job
from avgdt.evaluation.finetuning.jobs import run_jobs
from avgdt.evaluation.finetuning.shots import draw_shots, shots_name
from avgdt.evaluation.finetuning.still_there import check_classes_read
from avgdt.evaluation.finetuning.task import Task
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.over_folds import Tested, over_folds
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.scores import score
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.finetuning import Finetuning


@dataclass(frozen=True)
class Splits:
    """What is finetuned on: the rows of ``folds`` are ``plans``."""

    entries: Sequence[Entry]
    plans: Sequence[Plan]
    folds: Folds
    modality: ModalityName

    def task(self, fold: Fold, shots: int, seed: int) -> Task:
        """All training recordings of a split, or ``shots`` of each class, drawn from ``seed``; and its test ones."""
        taught, targets = np.sort(fold.taught), self.folds.targets
        draws = np.random.default_rng([seed, shots, *fold.name.encode()])
        chosen = taught[draw_shots(targets[taught], self.folds.classes, shots, draws)]
        train, test = ([self.plans[row] for row in rows] for rows in (chosen, fold.test))
        return Task(self.entries, self.modality, train, targets[chosen], test, len(self.folds.classes))


def finetuned_rows(
    models: Mapping[str, PretrainedModel],
    splits: Splits,
    shots: Sequence[int],
    finetuning: Finetuning,
    seed: int,
    folder: Path,
    jobs: int,
    after: Callable[[], None],
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Name of the weights -> a row for each number of ``shots``: mean and spread of the splits' accuracies.

    Beside it the files that could not be read, and why. ``jobs`` are trained side by side; ``after`` is called after
    every epoch of each. Raises :class:`EvaluationError` for a class none of whose recordings could be read.
    """
    cases = [(source, count, fold) for source in models for count in shots for fold in splits.folds.turns]
    todo = [
        Job(models[source], splits.task(fold, count, seed), finetuning, seed, folder) for source, count, fold in cases
    ]
    done = run_jobs(todo, jobs, after)
    for (_, _, fold), job, one in zip(cases, todo, done, strict=True):
        check_classes_read(job.task, splits.folds.targets[fold.test], one, splits.folds.classes)
    found = {(source, count, fold.name): one for (source, count, fold), one in zip(cases, done, strict=True)}
    rows = {
        source: {
            shots_name(count): _figures(
                splits.folds, {f.name: found[source, count, f.name] for f in splits.folds.turns}
            )
            for count in shots
        }
        for source in models
    }
    return rows, {path: reason for one in done for path, reason in one.failures.items()}


def _figures(folds: Folds, guessed: Mapping[str, Guessed]) -> dict[str, Any]:
    """Of the recordings that could be read."""

    def test(fold: Fold) -> Tested:
        found = guessed[fold.name]
        read = found.guesses >= 0
        scored = score(found.guesses[read], folds.targets[fold.test][read], len(folds.classes))
        return Tested(scored, {"loss": found.loss})

    return over_folds(folds, test)
