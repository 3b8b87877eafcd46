"""Finetuning: networks that go on learning with few or many labels, beside the same ones from scratch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from avgdt.data.manifest import Entry
from avgdt.data.selection import list_recordings
from avgdt.evaluation.comparison import check_modalities, count_padded
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Progress, one_by_one
from avgdt.evaluation.finetuning.finetune import Guessed, Job
from avgdt.evaluation.finetuning.jobs import run_jobs
from avgdt.evaluation.finetuning.shots import ALL, check_shots, draw_shots, shots_name
from avgdt.evaluation.finetuning.shown import for_training
from avgdt.evaluation.finetuning.still_there import check_classes_read, check_classes_usable
from avgdt.evaluation.finetuning.task import Task
from avgdt.evaluation.labelled_rows import labelled_rows
from avgdt.evaluation.options import told_options
from avgdt.evaluation.plans import Plan, Skipped, plan
from avgdt.evaluation.protocols.recordings import changed_files
from avgdt.evaluation.scores import Score, score, score_figures
from avgdt.evaluation.splits import LabelledSplits, labelled_splits
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.finetuning import Finetuning
from avgdt.training.recordings import default_workers

TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Finetune:
    """An encoder and a linear layer trained on the split train and asked about the split test, after the last epoch."""

    protocol: ClassVar[str] = "finetune"

    label: str = "label"
    """Column of the manifest that holds the class; LABEL_start and LABEL_end (or start and end) name its seconds."""
    modality: Literal["video", "audio"] = "video"
    """The network that is trained."""
    shots: tuple[int, ...] = (ALL,)
    """Labelled examples of each class, drawn from train; 0 is all there are. Each number is a row of its own."""
    draws: int = 1
    """Times that each is repeated, with other examples, another layer and another order."""
    jobs: int = 1
    """Trainings side by side, in processes of their own."""
    finetuning: Finetuning = field(default_factory=Finetuning)
    """How it is trained; --setting paper or released chooses all of it."""
    seed: int = 0
    """Seed of the random weights from which is trained from scratch, and of the first draw."""

    def measure(
        self,
        model: PretrainedModel,
        random: PretrainedModel,
        data: Path,
        out: Path,
        scanned: Progress | None,
        progress: Progress,
    ) -> dict[str, Any]:
        """Train and test from both networks' weights; states are kept in ``out/finetuning``, so that it goes on.

        Raises :class:`EvaluationError` for unfit data.
        """
        self._check()
        check_modalities(model, (self.modality,))
        notes = list[str]()
        workers = default_workers(model.recipe.run.workers) + 1
        entries = list_recordings(data, workers, scanned, on_counts=lambda counts: notes.extend(changed_files(counts)))
        rows = labelled_rows(entries, self.label, (TRAIN, TEST))
        model, random = (for_training(model, self.finetuning, self.modality) for model in (model, random))
        plans, skipped = plan(rows.segments, entries, model.recipe.clip, (self.modality,), self.finetuning.test_clips)
        check_classes_usable(rows.segments, plans)
        splits = labelled_splits([one.segment for one in plans], (TRAIN, TEST), skipped)
        tasks = {(shots, draw): self._task(entries, plans, splits, shots, draw) for shots, draw in self._jobs()}
        after = one_by_one(progress, 2 * len(tasks) * self.finetuning.schedule.epochs)
        truth = np.array(splits.targets([one.segment for one in plans], TEST))
        failures = dict[str, str]()
        figures: dict[str, dict[str, Any]] = {}
        for source, network in (("pretrained", model), ("random", random)):
            jobs = [
                Job(network, task, self.finetuning, self.seed + draw, out / "finetuning")
                for (_, draw), task in tasks.items()
            ]
            found = dict(zip(tasks, run_jobs(jobs, self.jobs, after), strict=True))
            for case, one in found.items():
                check_classes_read(tasks[case], truth, one, splits.classes)
                failures |= one.failures
            figures[source] = {
                shots_name(shots): _figures([found[shots, draw] for draw in range(self.draws)], truth, splits.classes)
                for shots in self.shots
            }
        chance = 1 / len(splits.classes)
        return {
            "options": told_options(self),
            "sizes": {split: len(splits.rows[split]) for split in (TRAIN, TEST)} | {"classes": len(splits.classes)},
            "other_splits": rows.other_splits,
            "unlabelled": rows.unlabelled,
            "notes": [*notes, *rows.notes],
            "padded": count_padded([one.segment for one in plans], entries, model.recipe.clip, (self.modality,)),
            "skipped": [
                asdict(one) for one in [*rows.skipped, *skipped, *(Skipped(*failure) for failure in failures.items())]
            ],
            "classes": splits.classes,
            **figures,
            "chance": {shots_name(shots): {"accuracy": chance, "mean_class_accuracy": chance} for shots in self.shots},
        }

    def _check(self) -> None:
        for name in ("draws", "jobs"):
            if getattr(self, name) < 1:
                raise EvaluationError(f"{name}: {getattr(self, name)} is too few; use 1 or more")
        check_shots(self.shots)

    def _jobs(self) -> list[tuple[int, int]]:
        return [(shots, draw) for shots in self.shots for draw in range(self.draws)]

    def _task(
        self, entries: Sequence[Entry], plans: Sequence[Plan], splits: LabelledSplits, shots: int, draw: int
    ) -> Task:
        targets = np.array(splits.targets([one.segment for one in plans], TRAIN))
        chosen = draw_shots(targets, splits.classes, shots, np.random.default_rng([self.seed + draw, shots, 0x5407]))
        train = [plans[splits.rows[TRAIN][place]] for place in chosen]
        test = [plans[row] for row in splits.rows[TEST]]
        return Task(entries, self.modality, train, targets[chosen], test, len(splits.classes))


def _figures(found: Sequence[Guessed], truth: np.typing.NDArray[np.int64], classes: Sequence[str]) -> dict[str, Any]:
    """Mean and spread of the draws' accuracies; all else counts the guesses of all draws together."""
    scores = []
    for one in found:
        read = one.guesses >= 0
        scores.append(score(one.guesses[read], truth[read], len(classes)))
    told = score_figures(Score(np.sum([s.confusion for s in scores], axis=0)), classes)
    if len(found) > 1:
        # The same recordings were asked about every time: their number must not be counted more than once.
        del told["interval"]
        told["accuracy_std"] = float(np.std([s.accuracy for s in scores], ddof=1))
    return {**told, "draws": [{"accuracy": s.accuracy, "loss": f.loss} for s, f in zip(scores, found, strict=True)]}
