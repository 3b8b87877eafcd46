"""Linear and k-NN probes: simple classifiers on frozen features of labelled recordings or segments.

By default, the features are the output of the last convolution, averaged over time and space. They are averaged over
the clips of a recording and standardised. The probe is fitted on the ``train`` split, its hyperparameter is selected on
the ``val`` split, and it is scored once on the ``test`` split. If there is no ``val`` split, about a fifth of ``train``
is used for validation, and the final fit uses all of ``train``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from avgdt.evaluation.comparison import Comparison
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import mean_features, timed_features
from avgdt.evaluation.metrics import score_metrics
from avgdt.evaluation.plans import check_clips, plan
from avgdt.evaluation.probes import Labelled, Probe, logistic_regression, nearest_neighbours
from avgdt.evaluation.splits import SPLITS, labelled_rows, labelled_splits, val_from_train


@dataclass(frozen=True)
class Linear:
    """Linear probe: logistic regression on frozen, standardised features; C is selected on the val split."""

    name: ClassVar[str] = "linear"
    title: ClassVar[str] = "Linear probe"
    summary: ClassVar[str] = "a linear classifier (logistic regression) trained on frozen features"
    probe: ClassVar[Probe] = staticmethod(logistic_regression)
    hyperparameter: ClassVar[str] = "C"

    label: str = "label"
    """Manifest column with the class; LABEL_start and LABEL_end (or start and end) limit the segment, in seconds."""
    modality: Literal["video", "audio"] = "video"
    """Modality whose network computes the features."""
    pool: Literal["mean", "time"] = "mean"
    """mean: average the output of the last convolution over time and space. time: average over space and concatenate
    the time steps."""
    clips: int = 4
    """Number of clips of a whole recording whose features are averaged; a segment no longer than a clip has one
    clip."""
    seed: int = 0
    """Seed of the random weights used as a baseline."""

    def measure(self, comparison: Comparison) -> dict[str, Any]:
        """Fit and test the probe on features of the pretrained and of the random model.

        ``comparison.data`` is a manifest with labels and the splits ``train``, ``test`` and optionally ``val``.
        """
        check_clips(self.clips)
        comparison.check_modalities((self.modality,))
        entries, notes = comparison.recordings()
        rows = labelled_rows(entries, self.label, ("train", "test"), optional=("val",))
        plans, skipped = plan(rows.segments, entries, comparison.pretrained.recipe.clip, (self.modality,), self.clips)
        no_val = not any(segment.split == "val" for segment in rows.segments)
        if no_val:
            plans = val_from_train(plans, entries)
            splits_present = {planned.segment.split for planned in plans}
            if "train" in splits_present and "val" not in splits_present:
                raise EvaluationError(
                    f"split: there is no 'val' split to select {self.hyperparameter} on, and 'train' has only one "
                    "usable recording of each class; add recordings to 'train', or a 'val' split"
                )
        labelled_splits([planned.segment for planned in plans], skipped=skipped)  # raises before anything is decoded
        read = {"mean": mean_features, "time": timed_features}[self.pool]
        features = comparison.features(entries, plans, [*rows.skipped, *skipped], (self.modality,), read)
        splits = labelled_splits(features.segments, skipped=features.skipped[len(rows.skipped) :])
        targets = {split: np.array(splits.targets(features.segments, split)) for split in SPLITS}
        notes = [*notes, *rows.notes]
        if no_val:
            notes = [*notes, _no_val_note(self.hyperparameter, len(targets["val"]))]

        def probed(source: str, vectors: NDArray[np.float32]) -> dict[str, Any]:
            train, val, test = (Labelled(vectors[splits.rows[split]], targets[split]) for split in SPLITS)
            result = self.probe(train, val, test, len(splits.classes), refit=no_val)
            metrics = {
                **score_metrics(result.score, splits.classes),
                "chosen": {self.hyperparameter: result.chosen},
                "val_accuracy": result.val_accuracy,
                "tried": [
                    {self.hyperparameter: value, "val_accuracy": accuracy}
                    for value, accuracy in result.val_accuracies.items()
                ],
                "converged": result.converged,
            }
            comparison.report(source, self.title.lower(), "test", metrics)
            return metrics

        majority = np.bincount(targets["train"]).argmax()
        chance = 1 / len(splits.classes)
        return {
            "sizes": {split: len(splits.rows[split]) for split in SPLITS},
            "other_splits": rows.other_splits,
            "unlabelled": rows.unlabelled,
            "val_from_train": no_val,
            "notes": notes,
            **features.account(),
            "classes": splits.classes,
            "dimensions": features.pretrained[self.modality].shape[1],
            "pretrained": probed("pretrained", features.pretrained[self.modality]),
            "random": probed("random", features.random[self.modality]),
            "chance": {"accuracy": chance, "mean_class_accuracy": chance},
            "majority": float(np.mean(targets["test"] == majority)),
        }


@dataclass(frozen=True)
class Knn(Linear):
    """k-NN probe: majority vote of the k nearest neighbours in cosine similarity; k is selected on the val split.

    The features are frozen and standardised.
    """

    name: ClassVar[str] = "knn"
    title: ClassVar[str] = "Nearest neighbours"
    summary: ClassVar[str] = "k nearest neighbours on frozen features; nothing is trained"
    probe: ClassVar[Probe] = staticmethod(nearest_neighbours)
    hyperparameter: ClassVar[str] = "k"


def _no_val_note(hyperparameter: str, count: int) -> str:
    return (
        f"no 'val' split: {hyperparameter} is selected on {count} recordings of 'train', grouped by source if the "
        "sources are known; the final fit uses all of 'train'"
    )
