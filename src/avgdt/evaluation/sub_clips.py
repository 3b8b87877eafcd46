"""Audio benchmarks on equally spaced sub-clips: probes on frozen features, and finetuning of the audio encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgdt.composition.factors import ModalityName
from avgdt.data.benchmarks.layout import Layout
from avgdt.data.manifest import Entry
from avgdt.data.selection import Skipped
from avgdt.evaluation.cache import array_digest, digest
from avgdt.evaluation.comparison import Comparison
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import conv5_features, counter, extract, spectrograms
from avgdt.evaluation.finetuning.spectrograms import audio_finetuning, end_to_end_score, training_settings
from avgdt.evaluation.folds import Fold, Folds, check_classes_remain
from avgdt.evaluation.metrics import FoldScore
from avgdt.evaluation.plans import Plan, plan
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel

AUDIO: tuple[ModalityName, ...] = ("audio",)
SECONDS_AT_ONCE = 160
"""Minimum total length of the sub-clips in a batch, in seconds."""
FoldProbe = Callable[[NDArray[np.float32], Folds, Fold], FoldScore]
"""Callable ``(features, folds, fold) -> FoldScore``; the features are (recordings, sub-clips, dim)."""


@dataclass(frozen=True)
class SubClips:
    """Number and length of the sub-clips of each recording, which are equally spaced from its start to its end."""

    count: int
    """Number of sub-clips of each recording."""
    seconds: float
    """Length of each sub-clip, in seconds."""


@dataclass(frozen=True)
class SubClipOptions:
    """Options common to all protocols on sub-clips."""

    scratch: bool = False
    """Also train the audio encoder end to end from random weights, as a baseline."""
    finetune: bool = False
    """Also finetune the audio encoder end to end from the pretrained weights."""
    training_epochs: int = 60
    """Number of training epochs for --scratch and --finetune; an epoch has one sub-clip per recording."""
    training_lr: float = 1e-3
    """Learning rate for --scratch and --finetune (AdamW with a cosine schedule)."""
    cache: bool = True
    """Store features and fold scores in OUT/cache for later evaluations of the same weights."""
    seed: int = 0
    """Seed of the training, and of the random weights used as a baseline."""

    def check(self) -> None:
        """Raise :class:`EvaluationError` if an option is invalid."""
        if self.training_epochs < 1:
            raise EvaluationError(f"training_epochs: {self.training_epochs} is too few; use 1 or more")
        if self.training_lr <= 0:
            raise EvaluationError(f"training_lr: {self.training_lr:g} is too small; use more than 0")


def on_sub_clips(model: PretrainedModel, clips: SubClips) -> PretrainedModel:
    """Return the model with the clip length of the sub-clips and a suitable batch size."""
    recipe = model.recipe
    clip = replace(recipe.clip, audio_seconds=clips.seconds)
    run = replace(recipe.run, batch=max(recipe.run.batch, clips.count, int(SECONDS_AT_ONCE / clips.seconds)))
    return replace(model, recipe=replace(recipe, clip=clip, run=run))


def plan_sub_clips(
    model: PretrainedModel, segments: Sequence[Segment], entries: Sequence[Entry], clips: SubClips
) -> tuple[list[Plan], list[Skipped]]:
    """Return one plan of sub-clips per usable recording, and the skipped recordings.

    ``model`` must have been returned by :func:`on_sub_clips`.
    """
    return plan(segments, entries, model.recipe.clip, AUDIO, clips.count)


def sub_clip_metrics(
    options: SubClipOptions,
    comparison: Comparison,
    layout: Layout,
    clips: SubClips,
    columns: tuple[str, str],
    split: Callable[[Sequence[Segment]], Folds],
    probes: Mapping[str, FoldProbe],
    settings: Mapping[str, Any],
) -> tuple[list[Segment], Folds, dict[str, Any]]:
    """Evaluate all probes on an audio benchmark and, depending on the options, finetuning.

    Returns the segments that could be read, their folds, and the result without the entry ``sizes``. ``columns`` are
    the names of the two columns that contain the fold and the class of an entry. ``split`` builds the folds.
    ``settings`` is plain data that, together with the features and the folds, determines the scores of the probes.
    Raises :class:`EvaluationError` if no training or no test recording of a class can be read.
    """
    options.check()
    comparison.check_modalities(AUDIO)

    def labelled(entries: Sequence[Entry]) -> list[Segment]:
        part, label = columns
        return [Segment(i, entry.extra[part], entry.extra[label]) for i, entry in enumerate(entries)]

    listed = split(labelled([entry for entry in layout.entries if not entry.error]))  # raises before any file is read
    entries = comparison.inspected(layout.entries)
    comparison = comparison.with_models(lambda model: on_sub_clips(model, clips))
    plans, skipped = plan_sub_clips(comparison.pretrained, labelled(entries), entries, clips)
    check_classes_remain(listed, split([planned.segment for planned in plans]))
    features = comparison.features(entries, plans, skipped, AUDIO, conv5_features, average=False, cache=options.cache)
    folds = split(features.segments)
    check_classes_remain(listed, folds)
    after = counter(comparison.progress, 2 * len(probes) * len(folds.folds))

    def rows_of(source: str, vectors: NDArray[np.float32]) -> dict[str, Any]:
        context = [settings, array_digest(vectors)] if options.cache else None
        return {
            name: comparison.fold_metrics(source, name, folds, partial(probe, vectors, folds), after, context)
            for name, probe in probes.items()
        }

    metrics = {
        "pretrained": rows_of("pretrained", features.pretrained["audio"]),
        "random": rows_of("random", features.random["audio"]),
    }
    for source, finetuned in _finetuned(options, comparison, features.segments, entries, folds, clips).items():
        metrics[source]["end_to_end"] = finetuned
    rows = dict.fromkeys(name for rows in metrics.values() for name in rows)
    result = {
        **features.account(),
        "unlisted": [str(path) for path in layout.unlisted],
        "classes": folds.classes,
        "dimensions": features.pretrained["audio"].shape[2],
        **metrics,
        "chance": {name: {"accuracy": 1 / len(folds.classes)} for name in rows},
    }
    return features.segments, folds, result


def _finetuned(
    options: SubClipOptions,
    comparison: Comparison,
    segments: Sequence[Segment],
    entries: Sequence[Entry],
    folds: Folds,
    clips: SubClips,
) -> dict[str, dict[str, Any]]:
    """Train the audio encoder of each selected model end to end on every fold; return the metrics by model."""
    enabled = {"pretrained": options.finetune, "random": options.scratch}
    models = {source: model for source, model in comparison.models.items() if enabled[source]}
    if not models:
        return {}
    inputs = log_mel_inputs(comparison, segments, entries, clips)
    finetuning = audio_finetuning(options.training_epochs, options.training_lr)
    epochs = options.training_epochs
    total, done, finished = len(models) * len(folds.folds) * epochs, 0, 0

    def after_epoch() -> None:
        nonlocal done
        done += 1
        comparison.progress(done, total)

    def after_fold() -> None:  # no epochs are run for a cached fold
        nonlocal done, finished
        done = finished = finished + epochs
        comparison.progress(done, total)

    def row(source: str, model: PretrainedModel) -> dict[str, Any]:
        def test(fold: Fold) -> FoldScore:
            return end_to_end_score(model, inputs, folds, fold, finetuning, options.seed, after_epoch)

        training = training_settings(finetuning, options.seed)
        context = [training, digest(model, AUDIO, array_digest(inputs))] if options.cache else None
        metrics = comparison.fold_metrics(source, "end_to_end", folds, test, after_fold, context)
        return {**metrics, "training": training}

    return {source: row(source, model) for source, model in models.items()}


def log_mel_inputs(
    comparison: Comparison, segments: Sequence[Segment], entries: Sequence[Entry], clips: SubClips
) -> NDArray[np.float32]:
    """Compute the log-mel spectrograms of the sub-clips of all segments, (segments, sub-clips, mels, time).

    Every recording must be readable.
    """
    model = comparison.pretrained
    plans, _ = plan_sub_clips(model, segments, entries, clips)
    extraction = extract(
        [model],
        entries,
        plans,
        AUDIO,
        spectrograms,
        workers=comparison.workers,
        average=False,
        progress=comparison.progress,
    )
    return extraction.vectors[0]["audio"].reshape(len(plans), clips.count, model.recipe.log_mel.mels, -1)
