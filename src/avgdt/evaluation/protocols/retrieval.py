"""Cross-modal retrieval: recordings of a split ranked by the cosine similarity of video and audio embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from avgdt.composition.factors import ModalityName
from avgdt.data.splits import split_name
from avgdt.evaluation.comparison import Comparison
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Vectors, embeddings
from avgdt.evaluation.metrics import wilson_interval
from avgdt.evaluation.plans import Plan, check_clips, plan
from avgdt.evaluation.retrieval import chance, check_gallery, gallery, retrieval_metrics
from avgdt.evaluation.splits import unlabelled_note, without_label

BOTH: tuple[ModalityName, ...] = ("video", "audio")


@dataclass(frozen=True)
class Retrieval:
    """Retrieval protocol: each video is a query for its own audio among the audio of all recordings, and vice versa."""

    name: ClassVar[str] = "retrieval"
    title: ClassVar[str] = "Cross-modal retrieval"
    summary: ClassVar[str] = "the audio of a recording retrieved by its video among all recordings, and vice versa"

    split: str = "test"
    """Split whose recordings form the gallery, or all; if the data has no splits, all recordings are used."""
    label: str = ""
    """Label column of segments, which are ranked instead of recordings; LABEL_start and LABEL_end (or start and end)
    limit each segment, in seconds."""
    clips: int = 4
    """Number of clips of a whole recording whose embeddings are averaged; a segment no longer than a clip has one
    clip."""
    aligned: bool = False
    """Compare video and audio clip by clip and average the similarities, instead of averaging the embeddings, so that
    the timing of events is taken into account."""
    seed: int = 0
    """Seed of the random weights used as a baseline."""

    def measure(self, comparison: Comparison) -> dict[str, Any]:
        """Measure cross-modal retrieval with the pretrained and with the random model.

        ``comparison.data`` is a manifest or a folder.
        """
        check_clips(self.clips)
        comparison.check_modalities(BOTH)
        entries, notes = comparison.recordings()
        segments, duplicates = gallery(entries, self.label, self.split)
        plans, skipped = plan(segments, entries, comparison.pretrained.recipe.clip, BOTH, self.clips)
        if self.aligned:
            _check_alignable(plans)
        used = () if self.split == "all" else (split_name(self.split),)
        unlabelled = without_label(entries, self.label, used) if self.label else []
        features = comparison.features(
            entries, plans, [*unlabelled, *skipped], BOTH, embeddings, average=not self.aligned
        )
        size = len(features.segments)
        check_gallery(size)
        return {
            "sizes": {"gallery": size},
            "duplicates": duplicates,
            "notes": [*notes, *unlabelled_note(len(unlabelled), self.label)],
            **features.account(),
            "pretrained": _metrics(features.pretrained),
            "random": _metrics(features.random),
            "chance": {"video_to_audio": chance(size), "audio_to_video": chance(size)},
        }


def _check_alignable(plans: Sequence[Plan]) -> None:
    """Raise :class:`EvaluationError` if the segments have different numbers of clips."""
    counts = sorted({len(planned.windows) for planned in plans})
    if len(counts) > 1:
        raise EvaluationError(
            f"aligned: the segments have {counts[0]} to {counts[-1]} clips, but equal numbers are needed; use "
            "--clips 1 or drop --aligned"
        )


def _metrics(vectors: Vectors) -> dict[str, Any]:
    # For concatenated unit vectors, the cosine similarity is the mean of the clip-wise cosine similarities.
    video, audio = (vectors[modality].reshape(len(vectors[modality]), -1) for modality in BOTH)
    metrics = {"video_to_audio": retrieval_metrics(video, audio), "audio_to_video": retrieval_metrics(audio, video)}
    hits = {name: round(row["r1"] * row["gallery"]) for name, row in metrics.items()}
    intervals = {name: list(wilson_interval(hits[name], int(row["gallery"]))) for name, row in metrics.items()}
    return {name: {**row, "r1_interval": intervals[name]} for name, row in metrics.items()}
