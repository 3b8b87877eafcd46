"""Cross-modal retrieval: the sound by the picture, the picture by the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.data.splits import split_name
from avgdt.evaluation.candidates import candidates, check_enough
from avgdt.evaluation.comparison import check_modalities, compare
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Progress, Vectors
from avgdt.evaluation.intervals import wilson_interval
from avgdt.evaluation.labelled_rows import unlabelled_note, without_label
from avgdt.evaluation.options import told_options
from avgdt.evaluation.plans import Plan, plan
from avgdt.evaluation.protocols.probing import check_clips
from avgdt.evaluation.protocols.recordings import OnRecordings
from avgdt.evaluation.readers import embeddings
from avgdt.evaluation.retrieval import chance, retrieve
from avgdt.models.pretrained import PretrainedModel

BOTH: tuple[ModalityName, ...] = ("video", "audio")


@dataclass(frozen=True)
class Retrieval(OnRecordings):
    """Rank the recordings of a split by the similarity of their one modality to the other of each."""

    protocol: ClassVar[str] = "retrieval"

    split: str = "test"
    """Split to rank among, or all; data without splits is taken whole."""
    label: str = ""
    """Column whose segments (LABEL_start and LABEL_end, or start and end) are ranked instead of whole recordings."""
    clips: int = 4
    """Clips over a whole recording, whose embeddings are averaged; a segment no longer than a clip gives one."""
    aligned: bool = False
    """Lay picture and sound over each other: average the similarities of clips at the same place of both recordings
    instead of the embeddings, so that it counts when something happens."""
    seed: int = 0
    """Seed of the random weights that stand beside the pretrained ones."""

    def run(
        self, model: PretrainedModel, random: PretrainedModel, entries: Sequence[Entry], progress: Progress
    ) -> dict[str, Any]:
        """Rank with ``model`` and, beside it, ``random``; raise :class:`EvaluationError` for unfit data."""
        check_clips(self.clips)
        check_modalities(model, BOTH)
        chosen, duplicates = candidates(entries, self.label, self.split)
        plans, skipped = plan(chosen, entries, model.recipe.clip, BOTH, self.clips)
        if self.aligned:
            _check_alignable(plans)
        used = () if self.split == "all" else (split_name(self.split),)
        unlabelled = without_label(entries, self.label, used) if self.label else []
        skipped = [*unlabelled, *skipped]
        found = compare(model, random, entries, plans, skipped, BOTH, embeddings, progress, average=not self.aligned)
        count = len(found.segments)
        check_enough(count)
        return {
            "options": told_options(self),
            "sizes": {"candidates": count},
            "duplicates": duplicates,
            "notes": unlabelled_note(len(unlabelled), self.label),
            **found.account(),
            "pretrained": _figures(found.pretrained),
            "random": _figures(found.random),
            "chance": {"video_to_audio": chance(count), "audio_to_video": chance(count)},
        }


def _check_alignable(plans: Sequence[Plan]) -> None:
    """Raise :class:`EvaluationError` where the recordings have unequal numbers of clips."""
    counts = sorted({len(one.windows) for one in plans})
    if len(counts) > 1:
        raise EvaluationError(
            f"aligned: the segments have from {counts[0]} to {counts[-1]} clips, which cannot be laid over each other; "
            "use --clips 1 or leave --aligned out"
        )


def _figures(vectors: Vectors) -> dict[str, Any]:
    # Clips of unit length side by side: their cosine is the mean of the clips' cosines.
    video, audio = (vectors[modality].reshape(len(vectors[modality]), -1) for modality in BOTH)
    ways = {"video_to_audio": retrieve(video, audio), "audio_to_video": retrieve(audio, video)}
    hits = {name: round(way["r1"] * way["candidates"]) for name, way in ways.items()}
    intervals = {name: list(wilson_interval(hits[name], int(way["candidates"]))) for name, way in ways.items()}
    return {name: {**way, "r1_interval": intervals[name]} for name, way in ways.items()}
