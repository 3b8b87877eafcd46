"""Watching held-out recordings while a network learns: the judge of whether it learns anything but a shortcut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from avgdt.data.collection import Collection
from avgdt.data.span import clip_span
from avgdt.data.windows import uniform
from avgdt.evaluation.features import extract
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.readers import embeddings
from avgdt.evaluation.retrieval import retrieve
from avgdt.evaluation.segments import Segment
from avgdt.recipes.recipe import Recipe
from avgdt.training.learner import Learner
from avgdt.training.loop import Metrics
from avgdt.training.runs import LoadedRun


def monitors(
    recipe: Recipe, collection: Collection, unread: Callable[[Path, str], None]
) -> list[Callable[[Learner], Metrics | None]]:
    """Cross-modal retrieval among the held-out recordings, where there are any and both modalities are learnt.

    ``unread`` is told each recording that cannot be read, and why; where fewer than two can be, nothing is measured.
    """
    if len(collection.held_out) < 2 or set(recipe.composition.modalities) != {"video", "audio"}:
        return []
    modalities = recipe.composition.modalities
    plans = [
        Plan(Segment(index, "held out"), uniform(recipe.clip, clip_span(entry, modalities), 1))
        for index, entry in enumerate(collection.held_out)
    ]

    def watch(learner: Learner) -> Metrics | None:
        learner.phi.eval()
        subject = LoadedRun(recipe, learner.phi, learner.views, learner.precision)
        # In this process: workers would cost more to start than the few clips to read.
        found = extract([subject], collection.held_out, plans, modalities, embeddings, workers=0)
        for place, reason in found.failures.items():
            unread(collection.held_out[place].path, reason)
        if len(found.kept) < 2:
            return None
        video, audio = (found.vectors[0][modality] for modality in ("video", "audio"))
        there, back = retrieve(video, audio), retrieve(audio, video)
        return {
            "kind": "heldout",
            "reidentification": float(np.mean([there["r1"], back["r1"]])),
            "video_to_audio": there,
            "audio_to_video": back,
        }

    return [watch]
