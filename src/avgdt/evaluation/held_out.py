"""Monitoring of held-out recordings during training: cross-modal retrieval, embedding geometry and shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from avgdt.data.manifest import Entry
from avgdt.data.selection import Selection
from avgdt.data.windows import clip_span, uniform
from avgdt.evaluation.diagnosis import MODALITIES, agreement, geometry, measured_batch_norm_share
from avgdt.evaluation.features import Vectors, embeddings, extract
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.retrieval import retrieval_metrics
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.recipe import Recipe
from avgdt.training.learner import Learner
from avgdt.training.loop import Metrics


def monitors(
    recipe: Recipe, collection: Selection, on_unreadable: Callable[[Path, str], None]
) -> list[Callable[[Learner], Metrics | None]]:
    """Return the monitors of a training run: a list with one monitor of its held-out recordings.

    The list is empty if the run has only one modality or fewer than two held-out recordings. ``on_unreadable`` is
    called with the path of each unreadable recording and the reason. If fewer than two recordings can be read, the
    monitor returns no metrics.
    """
    if len(collection.held_out) < 2 or set(recipe.composition.modalities) != set(MODALITIES):
        return []
    return [_HeldOut(recipe, collection.held_out, on_unreadable)]


class _HeldOut:
    """Monitor of held-out recordings: their retrieval and the metrics of :mod:`avgdt.evaluation.diagnosis`."""

    def __init__(self, recipe: Recipe, entries: Sequence[Entry], on_unreadable: Callable[[Path, str], None]) -> None:
        self.recipe, self.entries, self.on_unreadable = recipe, entries, on_unreadable
        self.plans = [
            Plan(Segment(index, "held out"), uniform(recipe.clip, clip_span(entry, MODALITIES), 1))
            for index, entry in enumerate(entries)
        ]
        self.earlier: tuple[int, list[int], Vectors] | None = None
        """Step, indices of the readable plans, and embeddings of the key encoder at the previous call."""

    def __call__(self, learner: Learner) -> Metrics | None:
        """Return the metrics if the current step is monitored, else None.

        Each call stores the embeddings of the key encoder, from which the next call computes their drift.
        """
        due = learner.monitored(learner.step)
        networks = [learner.phi] * due + ([learner.key_encoder.phi] if learner.key_encoder else [])
        models = [PretrainedModel(self.recipe, phi.eval(), learner.views, learner.precision) for phi in networks]
        # No worker processes: starting them takes longer than reading a few clips.
        extraction = extract(models, self.entries, self.plans, MODALITIES, embeddings, workers=0)
        for index, reason in extraction.failures.items():
            self.on_unreadable(self.entries[index].path, reason)
        if len(extraction.read) < 2:
            return None
        keys, earlier = extraction.vectors[-1], self.earlier
        self.earlier = (learner.step, extraction.read, keys)
        if not due:
            return None
        queries = extraction.vectors[0]
        video_to_audio = retrieval_metrics(queries["video"], queries["audio"])
        audio_to_video = retrieval_metrics(queries["audio"], queries["video"])
        diagnosis = geometry(queries)
        if learner.key_encoder:
            diagnosis["agreement"] = agreement(queries, keys)
            if earlier and earlier[1] == extraction.read:
                diagnosis["key_drift"] = 1 - agreement(earlier[2], keys)
                diagnosis["key_drift_steps"] = learner.step - earlier[0]
        fraction = measured_batch_norm_share(learner, self.entries, self.plans)
        return {
            "kind": "heldout",
            "reidentification": float(np.mean([video_to_audio["r1"], audio_to_video["r1"]])),
            "video_to_audio": video_to_audio,
            "audio_to_video": audio_to_video,
            "diagnosis": diagnosis | ({} if fraction is None else {"batch_norm_share": fraction}),
        }
