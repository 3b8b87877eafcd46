"""What UCF101 and HMDB51 share: the paper's protocol of finetuning, split by split, and frozen features beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from avgdt.composition.factors import ModalityName
from avgdt.data.benchmarks.layout import Layout
from avgdt.data.scan import scan_missing
from avgdt.evaluation.cache import FeatureCache
from avgdt.evaluation.comparison import check_modalities, compare, count_padded
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Progress, extract, one_by_one
from avgdt.evaluation.finetuning.over_splits import Splits, finetuned_rows
from avgdt.evaluation.finetuning.shots import ALL, check_shots
from avgdt.evaluation.finetuning.shown import for_training, told_shown
from avgdt.evaluation.folds import Folds
from avgdt.evaluation.frozen import logistic_regression
from avgdt.evaluation.official import all_entries, official_folds
from avgdt.evaluation.options import told_options
from avgdt.evaluation.over_folds import over_folds
from avgdt.evaluation.plans import Skipped, plan
from avgdt.evaluation.readers import mean_features
from avgdt.evaluation.same_class import same_class_chance, same_class_figures
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.finetuning import Finetuning
from avgdt.training.recordings import default_workers

VIDEO: tuple[ModalityName, ...] = ("video",)
FROZEN_CLIPS = 10
"""Clips over each video whose features are averaged for the linear probe and for retrieval (appendix A.2)."""


@dataclass(frozen=True)
class ActionOptions(ABC):
    """Actions told apart by finetuned networks, after the last epoch, and by frozen ones."""

    protocol: ClassVar[str]

    splits: tuple[int, ...] = (1, 2, 3)
    """Official splits, of 1, 2 and 3."""
    finetune: bool = True
    """Train the whole network on, beside the same from random weights, which is training from scratch."""
    frozen: bool = True
    """Fit a linear probe on frozen features and retrieve recordings of the same class by them."""
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
        self,
        model: PretrainedModel,
        random: PretrainedModel,
        data: Path,
        out: Path,
        scanned: Progress | None,
        progress: Progress,
    ) -> dict[str, Any]:
        """Measure both networks on the folder ``data``; raise ``DataError`` or :class:`EvaluationError` where unfit.

        States of finetuning are kept in ``out/finetuning``, so that it goes on where it was interrupted.
        """
        self._check()
        check_modalities(model, VIDEO)
        layouts = {str(split): self.read(data, split) for split in self.splits}
        splits = {name: layout.entries for name, layout in layouts.items()}
        entries = scan_missing(all_entries(splits), default_workers(model.recipe.run.workers) + 1, scanned)
        tuned = {
            source: for_training(model, self.finetuning, "video")
            for source, model in (("pretrained", model), ("random", random))
        }
        labelled = [Segment(index, "", entry.extra["label"]) for index, entry in enumerate(entries)]
        clip = tuned["pretrained"].recipe.clip
        plans, skipped = plan(labelled, entries, clip, VIDEO, self.finetuning.test_clips)
        folds = official_folds(splits, entries, [one.segment for one in plans])
        official = Splits(entries, plans, folds, "video")
        if self.finetune:
            for shots, fold in product(self.shots, folds.turns):
                official.task(fold, shots, self.seed)  # raises for too few examples, before features take their hours
        figures: dict[str, dict[str, Any]] = {"pretrained": {}, "random": {}, "chance": {}}
        short = count_padded([one.segment for one in plans], entries, clip, VIDEO)
        account: dict[str, Any] = {"padded": short, "skipped": [asdict(one) for one in skipped]}
        if self.frozen:
            keep = FeatureCache(out / "cache").extract if self.cache else extract
            clips, _ = plan(labelled, entries, model.recipe.clip, VIDEO, FROZEN_CLIPS)
            found = compare(model, random, entries, clips, skipped, VIDEO, mean_features, progress, extract=keep)
            account = found.account() | ({"padded": short} if self.finetune else {})
            readable = official_folds(splits, entries, found.segments)
            figures["pretrained"] |= _frozen_rows(found.pretrained["video"], readable)
            figures["random"] |= _frozen_rows(found.random["video"], readable)
        if self.finetune:
            todo = 2 * len(self.shots) * len(folds.turns) * self.finetuning.schedule.epochs
            rows, failures = finetuned_rows(
                tuned,
                official,
                sorted(self.shots, key=lambda shots: shots != ALL),
                self.finetuning,
                self.seed,
                out / "finetuning",
                self.jobs,
                one_by_one(progress, todo),
            )
            for source, own in rows.items():
                figures[source] = own | figures[source]  # the protocol itself stands first
            account["shown"] = told_shown(tuned["pretrained"].recipe)
            told = {one["path"] for one in account["skipped"]}
            account["skipped"] += [asdict(Skipped(*one)) for one in failures.items() if one[0] not in told]
        for row in figures["pretrained"]:
            guessing = {"accuracy": 1 / len(folds.classes)}
            figures["chance"][row] = same_class_chance(folds) if row == "retrieval" else guessing
        return {
            "options": told_options(self),
            "sizes": {"recordings": len(plans), "classes": len(folds.classes), "splits": len(folds.turns)},
            **account,
            "unlisted": [str(path) for path in sorted({path for one in layouts.values() for path in one.unlisted})],
            "classes": folds.classes,
            **figures,
        }

    def _check(self) -> None:
        if not self.splits or len(set(self.splits)) < len(self.splits):
            raise EvaluationError(f"splits: {self.splits} must be different ones of 1, 2 and 3")
        if self.jobs < 1:
            raise EvaluationError(f"jobs: {self.jobs} is too few; use 1 or more")
        if not (self.finetune or self.frozen):
            raise EvaluationError("finetune, frozen: both are off, so nothing is left to measure; leave one on")
        check_shots(self.shots)


def _frozen_rows(features: np.typing.NDArray[np.float32], folds: Folds) -> dict[str, Any]:
    return {
        "linear_probe": over_folds(folds, lambda fold: logistic_regression(features, folds, fold)),
        "retrieval": same_class_figures(features, folds),
    }
