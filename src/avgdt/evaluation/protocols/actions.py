"""UCF101 and HMDB51 (section 4.2): action recognition on three official splits, with finetuned and frozen networks.

In the paper, the whole video network and a linear layer are finetuned on ten random clips of each video per epoch. The
class probabilities of a test video are averaged over ten uniformly spaced clips. In appendix A.2 of the paper, each
test video is a query that retrieves training videos by frozen features averaged over ten clips. The linear probe on
these features is not in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avgdt.composition.factors import ModalityName
from avgdt.data.benchmarks import hmdb51, ucf101
from avgdt.data.benchmarks.layout import SplitReader
from avgdt.data.selection import Skipped
from avgdt.evaluation.cache import array_digest
from avgdt.evaluation.comparison import Comparison
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import counter, mean_features
from avgdt.evaluation.finetuning.folds import FoldTasks, finetune_folds
from avgdt.evaluation.finetuning.preprocessing import video_augmentations, video_input, with_finetuning_clips
from avgdt.evaluation.finetuning.task import ALL, check_options
from avgdt.evaluation.folds import Folds, all_entries, official_folds
from avgdt.evaluation.plans import count_padded, plan
from avgdt.evaluation.probes import logistic_regression_fold
from avgdt.evaluation.results import plain_skipped
from avgdt.evaluation.retrieval import same_class_chance, same_class_metrics
from avgdt.evaluation.segments import Segment
from avgdt.recipes.finetuning import Finetuning

VIDEO: tuple[ModalityName, ...] = ("video",)
FROZEN_CLIPS = 10
"""Number of clips per video whose features are averaged for the linear probe and for retrieval (appendix A.2)."""


@dataclass(frozen=True)
class Ucf101:
    """UCF101 protocol: action recognition on 13,320 videos of 101 classes, with finetuned and with frozen networks."""

    name: ClassVar[str] = "ucf101"
    title: ClassVar[str] = "UCF101"
    summary: ClassVar[str] = "action recognition, 101 classes, three splits, with finetuned and with frozen networks"
    read_layout: ClassVar[SplitReader] = staticmethod(ucf101.read_layout)

    splits: tuple[int, ...] = (1, 2, 3)
    """Official splits to evaluate, any of 1, 2 and 3."""
    finetune: bool = True
    """Finetune the whole network from the pretrained weights and from random weights (training from scratch)."""
    frozen: bool = True
    """Fit a linear probe on frozen features, and measure same-class video retrieval with these features."""
    shots: tuple[int, ...] = (ALL,)
    """Numbers of labelled examples per class for finetuning (0 for all); each number yields one row of the result."""
    jobs: int = 1
    """Number of parallel finetuning runs, each in its own process."""
    finetuning: Finetuning = field(default_factory=Finetuning)
    """Settings of finetuning; --setting paper or --setting released sets all of them."""
    cache: bool = True
    """Store frozen features and fold scores in OUT/cache for later evaluations of the same weights."""
    seed: int = 0
    """Seed of finetuning and of the random weights used as a baseline."""

    def measure(self, comparison: Comparison) -> dict[str, Any]:
        """Evaluate the pretrained and the random model.

        ``comparison.data`` is the folder of the data set as distributed. Finetuning resumes from the training states in
        ``comparison.out/finetuning``.
        """
        self._check()
        comparison.check_modalities(VIDEO)
        layouts = {str(split): self.read_layout(comparison.data, split) for split in self.splits}
        splits = {name: layout.entries for name, layout in layouts.items()}
        entries = comparison.inspected(all_entries(splits))
        segments = [Segment(index, "", entry.extra["label"]) for index, entry in enumerate(entries)]
        tuned = comparison.with_models(lambda model: with_finetuning_clips(model, self.finetuning, "video"))
        clip = tuned.pretrained.recipe.clip
        plans, skipped = plan(segments, entries, clip, VIDEO, self.finetuning.test_clips)
        folds = official_folds(splits, entries, [planned.segment for planned in plans])
        tasks = FoldTasks(entries, plans, folds, "video")
        if self.finetune:
            for shots, fold in product(self.shots, folds.folds):
                tasks.task(fold, shots, self.seed)  # too few examples raise an error here, before hours of extraction
        metrics: dict[str, dict[str, Any]] = {"pretrained": {}, "random": {}, "chance": {}}
        padded, details = count_padded([planned.segment for planned in plans], entries, clip, VIDEO), dict[str, Any]()
        if self.frozen:
            frozen, _ = plan(segments, entries, comparison.pretrained.recipe.clip, VIDEO, FROZEN_CLIPS)
            features = comparison.features(entries, frozen, skipped, VIDEO, mean_features, cache=self.cache)
            skipped, padded = features.skipped, padded if self.finetune else features.padded
            readable = official_folds(splits, entries, features.segments)
            for source, vectors in (("pretrained", features.pretrained), ("random", features.random)):
                metrics[source] |= _frozen_rows(comparison, source, vectors["video"], readable, self.cache)
        if self.finetune:
            rows, failures = finetune_folds(
                tuned.models,
                tasks,
                sorted(self.shots, key=lambda shots: shots != ALL),
                self.finetuning,
                self.seed,
                comparison.out / "finetuning",
                self.jobs,
                counter(comparison.progress, 2 * len(self.shots) * len(folds.folds) * self.finetuning.schedule.epochs),
                comparison.report,
            )
            for source, finetuned in rows.items():
                metrics[source] = finetuned | metrics[source]  # the paper's row comes first
            details["training_input"] = video_input(clip, video_augmentations(tuned.pretrained, self.finetuning))
            known = {file.path for file in skipped}
            skipped = [*skipped, *(Skipped(Path(p), why) for p, why in failures.items() if Path(p) not in known)]
        for row in metrics["pretrained"]:
            accuracy = {"accuracy": 1 / len(folds.classes)}
            metrics["chance"][row] = same_class_chance(folds) if row == "retrieval" else accuracy
        return {
            "sizes": {"recordings": len(plans), "classes": len(folds.classes), "splits": len(folds.folds)},
            "padded": padded,
            "skipped": plain_skipped(skipped),
            **details,
            "unlisted": [str(path) for path in sorted({path for read in layouts.values() for path in read.unlisted})],
            "classes": folds.classes,
            **metrics,
        }

    def _check(self) -> None:
        if not self.splits or len(set(self.splits)) < len(self.splits):
            raise EvaluationError(f"splits: {self.splits} must be distinct numbers out of 1, 2 and 3")
        if not (self.finetune or self.frozen):
            raise EvaluationError("finetune, frozen: both are off, so nothing is measured; enable at least one")
        check_options(self.shots, self.jobs)


@dataclass(frozen=True)
class Hmdb51(Ucf101):
    """HMDB51 protocol: action recognition on 6,766 videos of 51 classes, with finetuned and with frozen networks."""

    name: ClassVar[str] = "hmdb51"
    title: ClassVar[str] = "HMDB51"
    summary: ClassVar[str] = "action recognition, 51 classes, three splits, with finetuned and with frozen networks"
    read_layout: ClassVar[SplitReader] = staticmethod(hmdb51.read_layout)


def _frozen_rows(
    comparison: Comparison, source: str, features: NDArray[np.float32], folds: Folds, cache: bool
) -> dict[str, Any]:
    context, probe = [array_digest(features)] if cache else None, partial(logistic_regression_fold, features, folds)
    retrieval = same_class_metrics(features, folds)
    for fold in retrieval["folds"]:
        comparison.report(source, "retrieval", f"fold {fold['fold']}", fold)
    linear = comparison.fold_metrics(source, "linear_probe", folds, probe, context=context)
    return {"linear_probe": linear, "retrieval": retrieval}
