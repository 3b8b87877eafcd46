"""Finetuning with few or many labels: an encoder and a linear layer trained on train, measured on test.

The last epoch counts, so that no validation split is needed. Beside the pretrained weights stand random ones, which is
training from scratch.
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
    summary: ClassVar[str] = "finetuning with few or many labels, beside training from scratch"

    label: str = "label"
    """Column of the manifest that holds the class; LABEL_start and LABEL_end (or start and end) name its seconds."""
    modality: Literal["video", "audio"] = "video"
    """The network that is trained."""
    shots: tuple[int, ...] = (ALL,)
    """Labelled examples of each class, drawn from train; 0 is all there are. Each number is a row of its own."""
    draws: int = 1
    """Repetitions of each, with other examples, another layer and another order."""
    jobs: int = 1
    """Finetunings side by side, in processes of their own."""
    finetuning: Finetuning = field(default_factory=Finetuning)
    """The settings of finetuning; --setting paper or released chooses all of them."""
    seed: int = 0
    """Seed of the random weights for training from scratch, and of the first draw."""

    def measure(self, comparison: Comparison) -> dict[str, Any]:
        """Train and test from both models' weights; ``comparison.data`` is a manifest with labels, train and test.

        States are saved in ``comparison.out/finetuning``, so that it resumes after an interruption.
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
        unread = [Skipped(Path(path), reason) for path, reason in failures.items()]
        return {
            "sizes": {split: len(splits.rows[split]) for split in (TRAIN, TEST)} | {"classes": len(splits.classes)},
            "other_splits": rows.other_splits,
            "unlabelled": rows.unlabelled,
            "notes": [*notes, *rows.notes],
            "padded": count_padded([one.segment for one in plans], entries, clip, (self.modality,)),
            "skipped": plain_skipped([*rows.skipped, *skipped, *unread]),
            "classes": splits.classes,
            **figures,
            "chance": {shots_name(shots): {"accuracy": chance, "mean_class_accuracy": chance} for shots in self.shots},
        }

    def _check(self) -> None:
        for name in ("draws", "jobs"):
            if getattr(self, name) < 1:
                raise EvaluationError(f"{name}: {getattr(self, name)} is too few; use 1 or more")
        check_shots(self.shots)

    def _task(
        self, entries: Sequence[Entry], plans: Sequence[Plan], splits: LabelledSplits, shots: int, draw: int
    ) -> Task:
        targets = np.array(splits.targets([one.segment for one in plans], TRAIN))
        chosen = draw_shots(targets, splits.classes, shots, np.random.default_rng([self.seed + draw, shots, 0x5407]))
        train = [plans[splits.rows[TRAIN][index]] for index in chosen]
        test = [plans[row] for row in splits.rows[TEST]]
        return Task(entries, self.modality, train, targets[chosen], test, len(splits.classes))


def _figures(finetuned: Sequence[Finetuned], truth: NDArray[np.int64], classes: Sequence[str]) -> dict[str, Any]:
    """Mean and std of the draws' accuracies; all else counts the predictions of all draws together."""
    scores = []
    for one in finetuned:
        read = one.predictions >= 0
        scores.append(score(one.predictions[read], truth[read], len(classes)))
    figures = score_figures(pooled(scores), classes)
    if len(finetuned) > 1:
        del figures["interval"]  # it would count every recording more than once
    draws = [{"accuracy": s.accuracy, "loss": one.loss} for s, one in zip(scores, finetuned, strict=True)]
    return {**figures, **std_of([s.accuracy for s in scores]), "draws": draws}
