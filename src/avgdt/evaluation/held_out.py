"""Watching held-out recordings while a network learns: the judge of whether it learns anything but a shortcut."""

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
from avgdt.evaluation.retrieval import retrieve
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.recipe import Recipe
from avgdt.training.learner import Learner
from avgdt.training.loop import Metrics


def monitors(
    recipe: Recipe, collection: Selection, unread: Callable[[Path, str], None]
) -> list[Callable[[Learner], Metrics | None]]:
    """The monitor of cross-modal retrieval on held-out recordings; none without them, or with one modality alone.

    ``unread`` is called with each recording that cannot be read, and why; where fewer than two can be, nothing is
    measured.
    """
    if len(collection.held_out) < 2 or set(recipe.composition.modalities) != set(MODALITIES):
        return []
    return [_HeldOut(recipe, collection.held_out, unread)]


class _HeldOut:
    """Measures retrieval and what :mod:`avgdt.evaluation.diagnosis` has, and remembers the keys of the call before."""

    def __init__(self, recipe: Recipe, entries: Sequence[Entry], unread: Callable[[Path, str], None]) -> None:
        self.recipe, self.entries, self.unread = recipe, entries, unread
        self.plans = [
            Plan(Segment(index, "held out"), uniform(recipe.clip, clip_span(entry, MODALITIES), 1))
            for index, entry in enumerate(entries)
        ]
        self.earlier: tuple[int, list[int], Vectors] | None = None
        """Step, plans and keys of the call before."""

    def __call__(self, learner: Learner) -> Metrics | None:
        """The metrics where they are due; else the keys are remembered, for how far they will have drifted by then."""
        due = learner.monitored(learner.step)
        networks = [learner.phi] * due + ([learner.key_encoder.phi] if learner.key_encoder else [])
        models = [PretrainedModel(self.recipe, phi.eval(), learner.views, learner.precision) for phi in networks]
        # In this process: workers would cost more to start than the few clips to read.
        found = extract(models, self.entries, self.plans, MODALITIES, embeddings, workers=0)
        for place, reason in found.failures.items():
            self.unread(self.entries[place].path, reason)
        if len(found.read) < 2:
            return None
        keys, earlier = found.vectors[-1], self.earlier
        self.earlier = (learner.step, found.read, keys)
        if not due:
            return None
        queries = found.vectors[0]
        there, back = (retrieve(queries[one], queries[other]) for one, other in (MODALITIES, MODALITIES[::-1]))
        diagnosis = geometry(queries)
        if learner.key_encoder:
            diagnosis["agreement"] = agreement(queries, keys)
            if earlier and earlier[1] == found.read:
                diagnosis["key_drift"] = 1 - agreement(earlier[2], keys)
                diagnosis["key_drift_steps"] = learner.step - earlier[0]
        share = measured_batch_norm_share(learner, self.entries, self.plans)
        return {
            "kind": "heldout",
            "reidentification": float(np.mean([there["r1"], back["r1"]])),
            "video_to_audio": there,
            "audio_to_video": back,
            "diagnosis": diagnosis | ({} if share is None else {"batch_norm_share": share}),
        }
