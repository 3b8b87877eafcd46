"""Finetuning with few or many labels: an encoder and a linear layer are trained and tested on labelled recordings.

They are trained on the ``train`` split and tested on the ``test`` split after the last epoch, so no validation split is
needed. Training from the pretrained weights is compared with training from random weights, that is, from scratch.
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
from avgdt.evaluation.finetuning.finetune import FinetuningResult, Job
from avgdt.evaluation.finetuning.jobs import run_jobs
from avgdt.evaluation.finetuning.preprocessing import with_finetuning_clips
from avgdt.evaluation.finetuning.task import ALL, Task, check_classes_usable, check_options, draw_shots, shots_name
from avgdt.evaluation.metrics import pooled, score, score_metrics, std_of
from avgdt.evaluation.plans import Plan, count_padded, plan
from avgdt.evaluation.results import plain_skipped
from avgdt.evaluation.splits import LabelledSplits, labelled_rows, labelled_splits
from avgdt.recipes.finetuning import Finetuning

TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Finetune:
    """Finetuning protocol: an encoder and a linear layer, trained on the train split and tested on the test split."""

    name: ClassVar[str] = "finetune"
    title: ClassVar[str] = "Finetuning"
    summary: ClassVar[str] = "finetuning with few or many labels, compared with training from scratch"

    label: str = "label"
    """Manifest column with the class; LABEL_start and LABEL_end (or start and end) limit the segment, in seconds."""
    modality: Literal["video", "audio"] = "video"
    """Modality whose network is trained."""
    shots: tuple[int, ...] = (ALL,)
    """Numbers of labelled examples per class, drawn from train (0 for all); each number yields one result row."""
    draws: int = 1
    """Number of repetitions for each number of shots, each with different examples, initial linear layer and order of
    the examples."""
    jobs: int = 1
    """Number of parallel finetuning runs, each in its own process."""
    finetuning: Finetuning = field(default_factory=Finetuning)
    """Settings of finetuning; --setting paper or --setting released sets all of them."""
    seed: int = 0
    """Seed of the first repetition, and of the random weights for training from scratch."""

    def measure(self, comparison: Comparison) -> dict[str, Any]:
        """Finetune and test the pretrained and the random model.

        ``comparison.data`` is a manifest with labels and the splits ``train`` and ``test``. Training states are saved
        in ``comparison.out/finetuning``, from which the same call resumes.
        """
        self._check()
        comparison.check_modalities((self.modality,))
        entries, notes = comparison.recordings()
        rows = labelled_rows(entries, self.label, (TRAIN, TEST))
        comparison = comparison.with_models(lambda model: with_finetuning_clips(model, self.finetuning, self.modality))
        clip = comparison.pretrained.recipe.clip
        plans, skipped = plan(rows.segments, entries, clip, (self.modality,), self.finetuning.test_clips)
        check_classes_usable(rows.segments, plans)
        splits = labelled_splits([planned.segment for planned in plans], (TRAIN, TEST), skipped)
        cases = [(shots, draw) for shots in self.shots for draw in range(self.draws)]
        tasks = {(shots, draw): self._task(entries, plans, splits, shots, draw) for shots, draw in cases}
        after_epoch = counter(comparison.progress, 2 * len(tasks) * self.finetuning.schedule.epochs)
        truth = np.array(splits.targets([planned.segment for planned in plans], TEST))
        failures = dict[str, str]()
        metrics: dict[str, dict[str, Any]] = {}

        def after_job(source: str, number: int, result: FinetuningResult) -> None:
            (shots, draw), task = list(tasks.items())[number]
            result.check_classes(task, truth, splits.classes)
            (metrics_of_draw,) = _metrics([result], truth, splits.classes)["draws"]
            comparison.report(source, shots_name(shots), f"draw {draw + 1}" if self.draws > 1 else "", metrics_of_draw)

        for source, model in comparison.models.items():
            jobs = [
                Job(model, task, self.finetuning, self.seed + draw, comparison.out / "finetuning")
                for (_, draw), task in tasks.items()
            ]
            results = run_jobs(jobs, self.jobs, after_epoch, partial(after_job, source))
            finetuned = dict(zip(tasks, results, strict=True))
            for result in finetuned.values():
                failures |= result.failures
            metrics[source] = {
                shots_name(shots): _metrics(
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
            "padded": count_padded([planned.segment for planned in plans], entries, clip, (self.modality,)),
            "skipped": plain_skipped([*rows.skipped, *skipped, *unreadable]),
            "classes": splits.classes,
            **metrics,
            "chance": {shots_name(shots): {"accuracy": chance, "mean_class_accuracy": chance} for shots in self.shots},
        }

    def _check(self) -> None:
        if self.draws < 1:
            raise EvaluationError(f"draws: {self.draws} is too few; use 1 or more")
        check_options(self.shots, self.jobs)

    def _task(
        self, entries: Sequence[Entry], plans: Sequence[Plan], splits: LabelledSplits, shots: int, draw: int
    ) -> Task:
        targets = np.array(splits.targets([planned.segment for planned in plans], TRAIN))
        sampled = draw_shots(targets, splits.classes, shots, np.random.default_rng([self.seed + draw, shots, 0x5407]))
        train = [plans[splits.rows[TRAIN][index]] for index in sampled]
        test = [plans[row] for row in splits.rows[TEST]]
        return Task(entries, self.modality, train, targets[sampled], test, len(splits.classes))


def _metrics(finetuned: Sequence[FinetuningResult], truth: NDArray[np.int64], classes: Sequence[str]) -> dict[str, Any]:
    """Compute the metrics of the pooled predictions of all repetitions, and the std of the accuracy over them."""
    scores = []
    for result in finetuned:
        read = result.predictions >= 0
        scores.append(score(result.predictions[read], truth[read], len(classes)))
    metrics = score_metrics(pooled(scores), classes)
    if len(finetuned) > 1:
        del metrics["interval"]  # the interval would count every recording more than once
    draws = [{"accuracy": s.accuracy, "loss": result.loss} for s, result in zip(scores, finetuned, strict=True)]
    return {**metrics, **std_of([s.accuracy for s in scores]), "draws": draws}
