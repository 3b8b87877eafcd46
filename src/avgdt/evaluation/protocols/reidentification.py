"""Re-identification (figure 3 of the paper): retrieval of another window of the same recording.

Two non-overlapping windows of each recording are embedded. For queries from the first windows, the gallery consists of
the second windows of all recordings, and vice versa. Queries and gallery have the same modality or different
modalities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.data.selection import Skipped
from avgdt.evaluation.comparison import Comparison
from avgdt.evaluation.features import Vectors, embeddings
from avgdt.evaluation.plans import Plan, plan, span_of
from avgdt.evaluation.retrieval import check_gallery, gallery, reidentification_chance, reidentify
from avgdt.models.pretrained import PretrainedModel


@dataclass(frozen=True)
class Reidentification:
    """Re-identification protocol: fraction of queries whose nearest window is from the same recording."""

    name: ClassVar[str] = "reidentification"
    title: ClassVar[str] = "Re-identification"
    summary: ClassVar[str] = "another window of the same recording retrieved among the windows of all recordings"

    split: str = "test"
    """Split whose recordings form the gallery, or all; if the data has no splits, all recordings are used."""
    modality: Literal["both", "video", "audio"] = "both"
    """Modalities of queries and gallery: all four pairs of video and audio, or one modality; recordings may then lack
    the other one."""
    seed: int = 0
    """Seed of the random weights used as a baseline."""

    def measure(self, comparison: Comparison) -> dict[str, Any]:
        """Measure the re-identification of windows with the pretrained and with the random model.

        ``comparison.data`` is a manifest or a folder.
        """
        modalities: tuple[ModalityName, ...] = ("video", "audio") if self.modality == "both" else (self.modality,)
        comparison.check_modalities(modalities)
        entries, notes = comparison.recordings()
        segments, duplicates = gallery(entries, "", self.split)
        plans, skipped = plan(segments, entries, comparison.pretrained.recipe.clip, modalities, clips=2)
        plans, too_short = _apart(plans, entries, comparison.pretrained, modalities)
        features = comparison.features(entries, plans, [*skipped, *too_short], modalities, embeddings, average=False)
        size = len(features.segments)
        check_gallery(size)
        return {
            "sizes": {"gallery": size},
            "duplicates": duplicates,
            "notes": notes,
            **features.account(),
            "pretrained": _metrics(features.pretrained),
            "random": _metrics(features.random),
            "chance": {
                f"{query}_to_{key}": reidentification_chance(size) for query in modalities for key in modalities
            },
        }


def _apart(
    plans: Sequence[Plan], entries: Sequence[Entry], model: PretrainedModel, modalities: tuple[ModalityName, ...]
) -> tuple[list[Plan], list[Skipped]]:
    """Return the plans with two non-overlapping windows, and the recordings that are too short for two windows."""
    clip = span_of(model.recipe.clip, modalities)
    separate, too_short = list[Plan](), list[Skipped]()
    for planned in plans:
        starts = [window.video for window in planned.windows]
        # Durations are rounded to frames, so a recording of two clips may seem up to two frames too short.
        if len(starts) == 2 and starts[1] - starts[0] >= clip.seconds - 2 / clip.frame_rate:
            separate.append(planned)
        else:
            path = entries[planned.segment.entry].path
            too_short.append(Skipped(path, f"too short for two non-overlapping clips of {clip.seconds:g} s"))
    return separate, too_short


def _metrics(vectors: Vectors) -> dict[str, Any]:
    """Compute the re-identification metrics for each pair of modalities, from vectors (recordings, 2, dim)."""
    return {
        f"{query}_to_{key}": reidentify(
            vectors[query][:, 0], vectors[key][:, 1], vectors[query][:, 1], vectors[key][:, 0]
        )
        for query in vectors
        for key in vectors
    }
