"""Finetuning with few or many labels: an encoder and a linear layer trained on train, measured on test.

The network is tested after the last epoch, so that no validation split is needed. The pretrained weights are compared
with random ones, that is with training from scratch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from avgdt.data.manifest import Entry
from avgdt.data.selection import Skipped
from avgdt.evaluation.comparison import Comparison
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import counter
from avgdt.evaluation.finetuning.finetune import Finetuned, Job
from avgdt.evaluation.finetuning.jobs import run_jobs
from avgdt.evaluation.finetuning.preprocessing import with_finetuning_clips
from avgdt.evaluation.finetuning.task import ALL, Task, check_classes_usable, check_shots, draw_shots, shots_name
from avgdt.evaluation.metrics import pooled, score, score_figures, std_of
from avgdt.evaluation.plans import Plan, count_padded, plan
from avgdt.evaluation.results import plain_skipped
from avgdt.evaluation.splits import LabelledSplits, labelled_rows, labelled_splits
from avgdt.recipes.finetuning import Finetuning

TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Finetune:
    """An encoder and a linear layer trained on the split train and measured on the split test, after the last epoch."""

    name: ClassVar[str] = "finetune"
    title: ClassVar[str] = "Finetuning"
    summary: ClassVar[str] = "finetuning with few or many labels, compared with training from scratch"

    label: str = "label"
    """Column of the manifest that holds the class; LABEL_start and LABEL_end (or start and end) name its seconds."""
    modality: Literal["video", "audio"] = "video"
    """The network that is trained."""
    shots: tuple[int, ...] = (ALL,)
    """Labelled examples of each class, sampled from train; 0 for all. Each number is one row of the result."""
    draws: int = 1
    """Repetitions for each number of shots, with other examples, another initial layer and another order."""
    jobs: int = 1
    """Number of finetunings that run in parallel, each in its own process."""
    finetuning: Finetuning = field(default_factory=Finetuning)
    """The settings of finetuning; --setting paper or released sets all of them."""
    seed: int = 0
    """Seed of the random weights for training from scratch, and of the first draw."""

    def measure(self, comparison: Comparison) -> dict[str, Any]:
        """Train and test from both models' weights; ``comparison.data`` is a manifest with labels, train and test.

        States are saved in ``comparison.out/finetuning``, from which the same command resumes.
        """
        self._check()
        comparison.check_modalities((self.modality,))
        entries, notes = comparison.recordings()
        rows = labelled_rows(entries, self.label, (TRAIN, TEST))
        comparison = comparison.with_models(lambda model: with_finetuning_clips(model, self.finetuning, self.modality))
        clip = comparison.pretrained.recipe.clip
        plans, skipped = plan(rows.segments, entries, clip, (self.modality,), self.finetuning.test_clips)
        check_classes_usable(rows.segments, plans)
        splits = labelled_splits([one.segment for one in plans], (TRAIN, TEST), skipped)
        cases = [(shots, draw) for shots in self.shots for draw in range(self.draws)]
        tasks = {(shots, draw): self._task(entries, plans, splits, shots, draw) for shots, draw in cases}
        after_epoch = counter(comparison.progress, 2 * len(tasks) * self.finetuning.schedule.epochs)
        truth = np.array(splits.targets([one.segment for one in plans], TEST))
        failures = dict[str, str]()
        figures: dict[str, dict[str, Any]] = {}

        def after_job(source: str, number: int, one: Finetuned) -> None:
            (shots, draw), task = list(tasks.items())[number]
            one.check_classes(task, truth, splits.classes)
            (figures_of_draw,) = _figures([one], truth, splits.classes)["draws"]
            comparison.report(source, shots_name(shots), f"draw {draw + 1}" if self.draws > 1 else "", figures_of_draw)

        for source, model in comparison.models.items():
            jobs = [
                Job(model, task, self.finetuning, self.seed + draw, comparison.out / "finetuning")
                for (_, draw), task in tasks.items()
            ]
            results = run_jobs(jobs, self.jobs, after_epoch, partial(after_job, source))
            finetuned = dict(zip(tasks, results, strict=True))
            for one in finetuned.values():
                failures |= one.failures
            figures[source] = {
                shots_name(shots): _figures(
                    [finetuned[shots, draw] for draw in range(self.draws)], truth, splits.classes
                )
                for shots in self.shots
            }
        chance = 1 / len(splits.classes)
        unreadable = [Skipped(Path(path), reason) for path, reason in failures.items()]
        return {
            "sizes": {split: len(splits.rows[split]) for split in (TRAIN, TEST)} | {"classes": len(splits.classes)},
            "other_splits": rows.other_splits,
            "unlabelled": rows.unlabelled,
            "notes": [*notes, *rows.notes],
            "padded": count_padded([one.segment for one in plans], entries, clip, (self.modality,)),
            "skipped": plain_skipped([*rows.skipped, *skipped, *unreadable]),
            "classes": splits.classes,
            **figures,
            "chance": {shots_name(shots): {"accuracy": chance, "mean_class_accuracy": chance} for shots in self.shots},
        }

    def _check(self) -> None:
        if self.draws < 1:
            raise EvaluationError(f"draws: {self.draws} is too few; use 1 or more")
        check_shots(self.shots, self.jobs)

    def _task(
        self, entries: Sequence[Entry], plans: Sequence[Plan], splits: LabelledSplits, shots: int, draw: int
    ) -> Task:
        targets = np.array(splits.targets([one.segment for one in plans], TRAIN))
        sampled = draw_shots(targets, splits.classes, shots, np.random.default_rng([self.seed + draw, shots, 0x5407]))
        train = [plans[splits.rows[TRAIN][index]] for index in sampled]
        test = [plans[row] for row in splits.rows[TEST]]
        return Task(entries, self.modality, train, targets[sampled], test, len(splits.classes))


def _figures(finetuned: Sequence[Finetuned], truth: NDArray[np.int64], classes: Sequence[str]) -> dict[str, Any]:
    """The figures of the pooled predictions of all draws, and the std of the draws' accuracies."""
    scores = []
    for one in finetuned:
        read = one.predictions >= 0
        scores.append(score(one.predictions[read], truth[read], len(classes)))
    figures = score_figures(pooled(scores), classes)
    if len(finetuned) > 1:
        del figures["interval"]  # it would count every recording more than once
    draws = [{"accuracy": s.accuracy, "loss": one.loss} for s, one in zip(scores, finetuned, strict=True)]
    return {**figures, **std_of([s.accuracy for s in scores]), "draws": draws}
