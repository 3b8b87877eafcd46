"""What the linear and the k-NN probe share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from avgdt.data.manifest import Entry
from avgdt.evaluation.choosing import val_from_train
from avgdt.evaluation.comparison import check_modalities, compare
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Progress
from avgdt.evaluation.labelled_rows import labelled_rows
from avgdt.evaluation.options import told_options
from avgdt.evaluation.plans import plan
from avgdt.evaluation.probes import Labelled, ProbeResult
from avgdt.evaluation.protocols.recordings import OnRecordings
from avgdt.evaluation.readers import mean_features, timed_features
from avgdt.evaluation.scores import score_figures
from avgdt.evaluation.splits import SPLITS, LabelledSplits, labelled_splits
from avgdt.models.pretrained import PretrainedModel


class Probe(Protocol):
    """What is fitted on train, its parameter chosen on val, measured on test."""

    def __call__(
        self, train: Labelled, val: Labelled, test: Labelled, classes: int, *, refit: bool = False
    ) -> ProbeResult:
        """With ``refit`` it is fitted on train and val in the end."""


@dataclass(frozen=True)
class ProbeOptions(OnRecordings):
    """Frozen features against the labels of a manifest with the splits train, val and test; val may lack."""

    label: str = "label"
    """Column of the manifest that holds the class; LABEL_start and LABEL_end (or start and end) name its seconds."""
    modality: Literal["video", "audio"] = "video"
    """The network that is probed."""
    pool: Literal["mean", "time"] = "mean"
    """Average the last convolution over time and space, or over space only, keeping its time steps side by side."""
    clips: int = 4
    """Clips over a whole recording, whose features are averaged; a segment no longer than a clip gives one."""
    seed: int = 0
    """Seed of the random weights that stand beside the pretrained ones."""


def run_probe(
    probe: Probe,
    parameter: str,
    options: ProbeOptions,
    model: PretrainedModel,
    random: PretrainedModel,
    entries: Sequence[Entry],
    progress: Progress,
) -> dict[str, Any]:
    """Extract the features of the labelled segments once, from both networks, and probe each.

    Where no row is of the split val, a part of train chooses the parameter, and then all of train is fitted on.
    """
    check_clips(options.clips)
    modalities = (options.modality,)
    check_modalities(model, modalities)
    rows = labelled_rows(entries, options.label, ("train", "test"), optional=("val",))
    plans, skipped = plan(rows.segments, entries, model.recipe.clip, modalities, options.clips)
    taken, notes = not any(segment.split == "val" for segment in rows.segments), [*rows.notes]
    if taken:
        plans = val_from_train(plans, entries)
        splits_left = {one.segment.split for one in plans}
        if "train" in splits_left and "val" not in splits_left:
            raise EvaluationError(
                f"split: there is no val, and none of train can be spared to choose {parameter}, as it has one usable "
                "recording of each class; add some, or a split val"
            )
    # Mistakes are told before everything is decoded.
    labelled_splits([one.segment for one in plans], skipped=skipped)
    read = {"mean": mean_features, "time": timed_features}[options.pool]
    found = compare(model, random, entries, plans, [*rows.skipped, *skipped], modalities, read, progress)
    splits = labelled_splits(found.segments, skipped=found.skipped[len(rows.skipped) :])
    targets = {split: np.array(splits.targets(found.segments, split)) for split in SPLITS}

    def probed(features: np.typing.NDArray[np.float32]) -> dict[str, Any]:
        train, val, test = (Labelled(features[splits.rows[split]], targets[split]) for split in SPLITS)
        return _figures(probe(train, val, test, len(splits.classes), refit=taken), parameter, splits)

    guess = np.bincount(targets["train"]).argmax()
    if taken:
        notes.append(
            f"no split val: {parameter} is chosen on {len(targets['val'])} recordings of train, whole sources where "
            "these are known; then all of train is fitted on"
        )
    chance = 1 / len(splits.classes)
    return {
        "options": told_options(options),
        "sizes": {split: len(splits.rows[split]) for split in SPLITS},
        "other_splits": rows.other_splits,
        "unlabelled": rows.unlabelled,
        "val_from_train": taken,
        "notes": notes,
        **found.account(),
        "classes": splits.classes,
        "dimensions": found.pretrained[options.modality].shape[1],
        "pretrained": probed(found.pretrained[options.modality]),
        "random": probed(found.random[options.modality]),
        "chance": {"accuracy": chance, "mean_class_accuracy": chance},
        "majority": float(np.mean(targets["test"] == guess)),
    }


def check_clips(clips: int) -> None:
    """Raise :class:`EvaluationError` for no clips at all."""
    if clips < 1:
        raise EvaluationError(f"clips: {clips} is too few; use 1 or more")


def _figures(result: ProbeResult, parameter: str, splits: LabelledSplits) -> dict[str, Any]:
    return {
        **score_figures(result.score, splits.classes),
        "chosen": {parameter: result.chosen},
        "val_accuracy": result.val_accuracy,
        "tried": [{parameter: value, "val_accuracy": accuracy} for value, accuracy in result.val_accuracies.items()],
        "converged": result.converged,
    }
