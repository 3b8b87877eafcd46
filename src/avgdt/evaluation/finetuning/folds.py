"""Finetuning on every fold of a data set, with all or few labels, from pretrained and from random weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.evaluation.finetuning.finetune import FinetuningResult, Job
from avgdt.evaluation.finetuning.jobs import run_jobs
from avgdt.evaluation.finetuning.task import Task, draw_shots, shots_name
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.metrics import FoldScore, fold_metrics, score
from avgdt.evaluation.plans import Plan
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.finetuning import Finetuning


@dataclass(frozen=True)
class FoldTasks:
    """Finetuning tasks of a data set, one per fold; the indices in ``folds`` refer to ``plans``."""

    entries: Sequence[Entry]
    plans: Sequence[Plan]
    folds: Folds
    modality: ModalityName

    def task(self, fold: Fold, shots: int, seed: int) -> Task:
        """Return the task of a fold, with ``shots`` training examples of each class (all if ``shots`` is ``ALL``).

        ``seed`` determines which examples are drawn. Raises :class:`EvaluationError` if a class has fewer than
        ``shots`` examples.
        """
        train, targets = np.sort(fold.train_val), self.folds.targets
        rng = np.random.default_rng([seed, shots, *fold.name.encode()])
        sampled = train[draw_shots(targets[train], self.folds.classes, shots, rng)]
        train_plans, test_plans = ([self.plans[row] for row in rows] for rows in (sampled, fold.test))
        classes = len(self.folds.classes)
        return Task(self.entries, self.modality, train_plans, targets[sampled], test_plans, classes)


def finetune_folds(
    models: Mapping[str, PretrainedModel],
    tasks: FoldTasks,
    shots: Sequence[int],
    finetuning: Finetuning,
    seed: int,
    folder: Path,
    jobs: int,
    after_epoch: Callable[[], None],
    report: Callable[[str, str, str, Mapping[str, Any]], None],
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Finetune every model on every fold with every number of ``shots``; return the metrics and unreadable files.

    The metrics map the name of each model to one row per number of shots, with the mean and the std of the accuracy
    over the folds. Each unreadable file is mapped to the reason. Up to ``jobs`` finetuning runs are executed in
    parallel. ``after_epoch`` is called after every epoch of each run. ``report`` is called after each run with the name
    of the weights, the row, the fold and the metrics. Raises :class:`EvaluationError` if no training or no test
    recording of a class could be read.
    """
    folds = tasks.folds
    cases = [(source, count, fold) for source in models for count in shots for fold in folds.folds]
    queue = [
        Job(models[source], tasks.task(fold, count, seed), finetuning, seed, folder) for source, count, fold in cases
    ]

    def after_job(number: int, finetuned: FinetuningResult) -> None:
        source, count, fold = cases[number]
        finetuned.check_classes(queue[number].task, folds.targets[fold.test], folds.classes)
        tested = _score(finetuned, folds, fold)
        metrics = {"accuracy": tested.score.accuracy, **tested.details}
        report(source, shots_name(count), f"fold {fold.name}", metrics)

    results = run_jobs(queue, jobs, after_epoch, after_job)
    by_case = {(source, count, fold.name): result for (source, count, fold), result in zip(cases, results, strict=True)}

    def row(source: str, count: int) -> dict[str, Any]:
        return fold_metrics(folds, lambda fold: _score(by_case[source, count, fold.name], folds, fold))

    rows = {source: {shots_name(count): row(source, count) for count in shots} for source in models}
    return rows, {path: reason for finetuned in results for path, reason in finetuned.failures.items()}


def _score(finetuned: FinetuningResult, folds: Folds, fold: Fold) -> FoldScore:
    """Compute the score of a fold on the test recordings that could be read."""
    read = finetuned.predictions >= 0
    scored = score(finetuned.predictions[read], folds.targets[fold.test][read], len(folds.classes))
    return FoldScore(scored, {"loss": finetuned.loss})
