"""Recordings through frozen networks: every clip is decoded once and shown to all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from avgdt.data.batch import Batch
from avgdt.data.clips import ClipReader
from avgdt.data.dataset import Clips, ordered_batches
from avgdt.data.windows import Window
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.readers import Reader
from avgdt.evaluation.subject import Subject
from avgdt.media.manifest import Entry
from avgdt.models.precision import resolve_precision

Progress = Callable[[int, int], None]
"""(recordings done, recordings in all)."""
Vectors = dict[str, NDArray[np.float32]]
"""Modality -> (recordings, windows, dim), or (recordings, dim) once averaged."""


@dataclass(frozen=True)
class Extraction:
    """What came out."""

    kept: list[int]
    """Indices of the plans that could be read, in order; the rows of the vectors."""
    vectors: list[Vectors]
    """One for each subject."""
    failures: dict[int, str]
    """Index of a plan -> why it could not be read."""


@dataclass(frozen=True)
class _Windows:
    """The windows of each plan, as the data set asks for them (a class, to be sent to worker processes)."""

    plans: Sequence[Plan]

    def __call__(self, epoch: int, index: int) -> Sequence[Window]:
        return self.plans[index].windows


@torch.inference_mode()
def extract(
    subjects: Sequence[Subject],
    entries: Sequence[Entry],
    plans: Sequence[Plan],
    modalities: tuple[str, ...],
    read: Reader,
    *,
    average: bool,
    workers: int,
    progress: Progress,
) -> Extraction:
    """Decode the windows of all plans once and read them out of each subject, the mean of the windows if ``average``.

    All subjects share the first one's recipe. Raises :class:`EvaluationError` for outputs that are not finite.
    """
    rows: list[dict[int, dict[str, NDArray[np.float32]]]] = [{} for _ in subjects]
    failures: dict[int, str] = {}
    for indices, batch in _batches(subjects[0], entries, plans, modalities, workers):
        failures.update({indices[failure.recording]: failure.reason for failure in batch.failures})
        for subject, found in zip(subjects, rows, strict=True):
            vectors = _through(subject, subjects[0], batch, modalities, read, average) if len(batch) else {}
            for place, recording in enumerate(batch.recordings.tolist()):
                found[indices[recording]] = {modality: vectors[modality][place] for modality in modalities}
        progress(len(rows[0]) + len(failures), len(plans))
    kept = sorted(rows[0])
    stacked = [{m: np.stack([found[i][m] for i in kept]) for m in modalities} if kept else {} for found in rows]
    return Extraction(kept, stacked, failures)


def _batches(
    subject: Subject, entries: Sequence[Entry], plans: Sequence[Plan], modalities: tuple[str, ...], workers: int
) -> Iterator[tuple[list[int], Batch]]:
    """Batches of plans that have equally many windows, with the plans' indices by the batch's recording numbers."""
    recipe = subject.recipe
    reader = ClipReader(recipe.clip, modalities, grey=recipe.model.video.channels == 1)
    for count in sorted({len(plan.windows) for plan in plans}):
        indices = [i for i, plan in enumerate(plans) if len(plan.windows) == count]
        chosen = [plans[i] for i in indices]
        clips = Clips([entries[plan.segment.entry] for plan in chosen], reader, _Windows(chosen))
        for batch in ordered_batches(clips, max(1, recipe.run.batch // count), workers):
            yield indices, batch.to(subject.device)


def _through(
    subject: Subject, maker: Subject, batch: Batch, modalities: tuple[str, ...], read: Reader, average: bool
) -> Vectors:
    """Modality -> (batch, windows, dim), or (batch, dim) if ``average``."""
    precision = resolve_precision(subject.recipe.run.precision, subject.device)
    vectors: Vectors = {}
    for modality in modalities:
        clips = batch.video if modality == "video" else batch.audio
        assert clips is not None, "the reader gives every modality asked for"
        with precision.autocast():
            windows = [
                read(subject.phi, modality, maker.viewmaker.test_view(_window(batch, w), modality))
                for w in range(clips.shape[1])
            ]
        found = torch.stack(windows, dim=1).float()
        if not bool(found.isfinite().all()):
            raise EvaluationError(f"weights: the networks' output for {modality} is not finite; was training broken?")
        vectors[modality] = (found.mean(dim=1) if average else found).cpu().numpy()
    return vectors


def _window(batch: Batch, window: int) -> Batch:
    """The batch with only this one of its windows."""
    one = slice(window, window + 1)
    video, audio = batch.video, batch.audio
    return replace(
        batch,
        video=None if video is None else video[:, one],
        audio=None if audio is None else audio[:, one],
    )
