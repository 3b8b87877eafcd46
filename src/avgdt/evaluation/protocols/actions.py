"""What UCF101 and HMDB51 share: the paper's protocol of finetuning, split by split, and frozen features beside it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from avgdt.data.layout import Layout
from avgdt.evaluation.cache import FeatureCache
from avgdt.evaluation.comparison import Compared, check_modalities, compare
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Progress, extract, one_by_one
from avgdt.evaluation.finetuning.finetune import Job
from avgdt.evaluation.finetuning.jobs import run_jobs
from avgdt.evaluation.finetuning.over_splits import split_figures
from avgdt.evaluation.finetuning.shots import ALL, check_shots, draw_shots, shots_name
from avgdt.evaluation.finetuning.shown import for_training
from avgdt.evaluation.finetuning.task import Task
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.frozen import logistic_regression
from avgdt.evaluation.official import all_entries, official_folds
from avgdt.evaluation.over_folds import over_folds
from avgdt.evaluation.plans import Plan, Skipped, plan
from avgdt.evaluation.readers import mean_features
from avgdt.evaluation.same_class import same_class_chance, same_class_figures
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.subject import Subject
from avgdt.media.manifest import Entry
from avgdt.media.scan import scan_missing
from avgdt.recipes.factors import ModalityName
from avgdt.recipes.finetuning import Finetuning
from avgdt.training.pretrain import default_workers

VIDEO: tuple[ModalityName, ...] = ("video",)


@dataclass(frozen=True)
class ActionOptions:
    """Actions told apart by finetuned networks, after the last epoch, and by frozen ones."""

    protocol: ClassVar[str]

    splits: tuple[int, ...] = (1, 2, 3)
    """Official splits, of 1, 2 and 3."""
    finetune: bool = True
    """Train the whole network on, beside the same from random weights, which is training from scratch."""
    frozen: bool = True
    """Also a linear probe on frozen features, and retrieval of recordings of the same class."""
    shots: tuple[int, ...] = (ALL,)
    """Labelled examples of each class to finetune with; 0 is all there are. Each number is a row of its own."""
    jobs: int = 1
    """Trainings side by side, in processes of their own."""
    finetuning: Finetuning = field(default_factory=Finetuning)
    """How it is trained; --setting paper or released chooses all of it."""
    cache: bool = True
    """Keep the frozen features in OUT/cache for the next evaluation of the same weights."""
    seed: int = 0
    """Seed of the random weights that stand beside the pretrained ones, and of all that is trained here."""

    @staticmethod
    @abstractmethod
    def read(folder: Path, split: int) -> Layout:
        """The data set as distributed, in one of its splits."""

    def measure(
        self, model: Subject, random: Subject, data: Path, out: Path, scanned: Progress | None, progress: Progress
    ) -> dict[str, Any]:
        """Measure both networks on the folder ``data``; raise ``DataError`` or :class:`EvaluationError` where unfit.

        States of finetuning are kept in ``out/finetuning``, so that it goes on where it was interrupted.
        """
        self._check()
        check_modalities(model, VIDEO)
        layouts = {str(split): self.read(data, split) for split in self.splits}
        splits = {name: layout.entries for name, layout in layouts.items()}
        entries = scan_missing(all_entries(splits), default_workers(model.recipe.run.workers) + 1, scanned)
        model, random = (for_training(subject, self.finetuning) for subject in (model, random))
        labelled = [Segment(index, "", entry.extra["label"]) for index, entry in enumerate(entries)]
        plans, skipped = plan(labelled, entries, model.recipe.clip, VIDEO, self.finetuning.test_clips)
        folds = official_folds(splits, entries, [one.segment for one in plans])
        told = self._frozen(model, random, splits, entries, plans, skipped, out, progress) if self.frozen else {}
        if self.finetune:
            for source, rows in self._finetuned(model, random, entries, plans, folds, out, progress).items():
                told.setdefault(source, {}).update(rows)
            told.setdefault("skipped", [asdict(one) for one in skipped])
        chance = {"accuracy": 1 / len(folds.classes)}
        retrieved = {"retrieval": same_class_chance(folds)} if self.frozen else {}
        rows = [row for row in told["pretrained"] if row != "retrieval"]
        return {
            "options": {**asdict(self), "splits": list(self.splits)},
            "sizes": {"recordings": len(plans), "classes": len(folds.classes), "splits": len(folds.turns)},
            "unlisted": [str(path) for path in next(iter(layouts.values())).unlisted],
            "classes": folds.classes,
            **told,
            "chance": {**dict.fromkeys(rows, chance), **retrieved},
        }

    def _check(self) -> None:
        if not self.splits or len(set(self.splits)) < len(self.splits):
            raise EvaluationError(f"splits: {self.splits} must be different ones of 1, 2 and 3")
        if self.jobs < 1:
            raise EvaluationError(f"jobs: {self.jobs} is too few; use 1 or more")
        if not (self.finetune or self.frozen):
            raise EvaluationError("finetune, frozen: both are off, so nothing is left to measure; leave one on")
        check_shots(self.shots)

    def _frozen(
        self,
        model: Subject,
        random: Subject,
        splits: Mapping[str, Sequence[Entry]],
        entries: Sequence[Entry],
        plans: Sequence[Plan],
        skipped: Sequence[Skipped],
        out: Path,
        progress: Progress,
    ) -> dict[str, Any]:
        """Rows of both networks, and what was left out; a recording that turns out unreadable is left out here."""
        keep = FeatureCache(out / "cache").extract if self.cache else extract
        found: Compared = compare(
            model, random, entries, plans, skipped, VIDEO, mean_features, progress, extract=keep
        )
        folds = official_folds(splits, entries, found.segments)

        def rows(features: np.typing.NDArray[np.float32]) -> dict[str, Any]:
            probed = over_folds(folds, lambda fold: logistic_regression(features, folds, fold))
            return {"linear_probe": probed, "retrieval": same_class_figures(features, folds)}

        return {
            **found.account(),
            "pretrained": rows(found.pretrained["video"]),
            "random": rows(found.random["video"]),
        }

    def _finetuned(
        self,
        model: Subject,
        random: Subject,
        entries: Sequence[Entry],
        plans: Sequence[Plan],
        folds: Folds,
        out: Path,
        progress: Progress,
    ) -> dict[str, dict[str, Any]]:
        cases = [(source, shots, fold) for source in ("pretrained", "random") for shots in self.shots for fold in folds.turns]
        subjects = {"pretrained": model, "random": random}
        jobs = [
            Job(subjects[source], self._task(entries, plans, folds, fold, shots), self.finetuning, self.seed, out / "finetuning")
            for source, shots, fold in cases
        ]
        guessed = run_jobs(jobs, self.jobs, one_by_one(progress, len(jobs) * self.finetuning.schedule.epochs))
        found = {(source, shots, fold.name): one for (source, shots, fold), one in zip(cases, guessed, strict=True)}
        return {
            source: {
                f"finetuned_{shots_name(shots)}": split_figures(
                    folds, {fold.name: found[source, shots, fold.name] for fold in folds.turns}
                )
                for shots in self.shots
            }
            for source in subjects
        }

    def _task(self, entries: Sequence[Entry], plans: Sequence[Plan], folds: Folds, fold: Fold, shots: int) -> Task:
        taught = np.sort(fold.taught)
        draws = np.random.default_rng([self.seed, shots, int(fold.name), 0x5407])
        chosen = taught[draw_shots(folds.targets[taught], folds.classes, shots, draws)]
        train, test = ([plans[row] for row in rows] for rows in (chosen, fold.test))
        return Task(entries, "video", train, folds.targets[chosen], test, len(folds.classes))
