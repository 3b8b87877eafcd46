"""Re-identification: a recording known again by another moment of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.evaluation.candidates import candidates, check_enough
from avgdt.evaluation.comparison import check_modalities, compare
from avgdt.evaluation.features import Progress, Vectors
from avgdt.evaluation.options import told_options
from avgdt.evaluation.plans import Plan, Skipped, plan, span_of
from avgdt.evaluation.protocols.recordings import OnRecordings
from avgdt.evaluation.readers import embeddings
from avgdt.evaluation.reidentification import chance, reidentify
from avgdt.models.pretrained import PretrainedModel


@dataclass(frozen=True)
class Reidentification(OnRecordings):
    """Is the nearest of all recordings' other moments the same recording's? Within and across modalities."""

    protocol: ClassVar[str] = "reidentification"

    split: str = "test"
    """Split to search in, or all; data without splits is taken whole."""
    modality: Literal["both", "video", "audio"] = "both"
    """both compares video and audio within and across; video or audio alone takes recordings without the other."""
    seed: int = 0
    """Seed of the random weights that stand beside the pretrained ones."""

    def run(
        self, model: PretrainedModel, random: PretrainedModel, entries: Sequence[Entry], progress: Progress
    ) -> dict[str, Any]:
        """Search with ``model`` and, beside it, ``random``; raise :class:`EvaluationError` for unfit data."""
        modalities: tuple[ModalityName, ...] = ("video", "audio") if self.modality == "both" else (self.modality,)
        check_modalities(model, modalities)
        chosen, duplicates = candidates(entries, "", self.split)
        plans, skipped = plan(chosen, entries, model.recipe.clip, modalities, clips=2)
        plans, short = _apart(plans, entries, model, modalities)
        found = compare(
            model, random, entries, plans, [*skipped, *short], modalities, embeddings, progress, average=False
        )
        count = len(found.segments)
        check_enough(count)
        return {
            "options": told_options(self),
            "sizes": {"candidates": count},
            "duplicates": duplicates,
            **found.account(),
            "pretrained": _figures(found.pretrained),
            "random": _figures(found.random),
            "chance": {f"{query}_to_{key}": chance(count) for query in modalities for key in modalities},
        }


def _apart(
    plans: Sequence[Plan], entries: Sequence[Entry], model: PretrainedModel, modalities: tuple[ModalityName, ...]
) -> tuple[list[Plan], list[Skipped]]:
    """The plans of two windows that share nothing, and the recordings too short for that."""
    clip = span_of(model.recipe.clip, modalities)
    kept, short = list[Plan](), list[Skipped]()
    for one in plans:
        starts = [window.video for window in one.windows]
        # Files round their ends to a frame: two clips may lack less than two frames of room.
        if len(starts) == 2 and starts[1] - starts[0] >= clip.seconds - 2 / clip.frame_rate:
            kept.append(one)
        else:
            path = str(entries[one.segment.entry].path)
            short.append(Skipped(path, f"too short for two clips of {clip.seconds:g} s that do not overlap"))
    return kept, short


def _figures(vectors: Vectors) -> dict[str, Any]:
    """Vectors are (recordings, 2, dim)."""
    return {
        f"{query}_to_{key}": reidentify(
            vectors[query][:, 0], vectors[key][:, 1], vectors[query][:, 1], vectors[key][:, 0]
        )
        for query in vectors
        for key in vectors
    }
