"""Recordings through frozen networks: every clip is decoded once and shown to all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from avgdt.composition.factors import ModalityName
from avgdt.data.batch import Batch
from avgdt.data.clips import ClipReader
from avgdt.data.dataset import Clips, ordered_batches
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.readers import Reader
from avgdt.models.pretrained import PretrainedModel

Progress = Callable[[int, int], None]
"""(recordings done, recordings in all)."""
Vectors = dict[ModalityName, NDArray[np.float32]]
"""Modality -> (recordings, windows, dim), or (recordings, dim) once averaged."""


def one_by_one(progress: Progress, total: int) -> Callable[[], None]:
    """A function that tells ``progress`` of one more step at each call."""
    done = count(1)
    return lambda: progress(next(done), total)


@dataclass(frozen=True)
class Extraction:
    """What came out."""

    kept: list[int]
    """Indices of the plans that could be read, in order; the rows of the vectors."""
    vectors: list[Vectors]
    """One for each model; without modalities where no plan could be read."""
    failures: dict[int, str]
    """Index of a plan -> why it could not be read."""


class Extract(Protocol):
    """How features are come by: :func:`extract` itself, or one that remembers."""

    def __call__(
        self,
        models: Sequence[PretrainedModel],
        entries: Sequence[Entry],
        plans: Sequence[Plan],
        modalities: tuple[ModalityName, ...],
        read: Reader,
        *,
        workers: int,
        average: bool = True,
        progress: Progress = lambda done, total: None,
    ) -> Extraction:
        """See :func:`extract`."""


@dataclass(frozen=True)
class _Windows:
    """The windows of each plan, as the data set asks for them (a class, to be sent to worker processes)."""

    plans: Sequence[Plan]

    def __call__(self, epoch: int, index: int) -> Sequence[Window]:
        return self.plans[index].windows


def extract(
    models: Sequence[PretrainedModel],
    entries: Sequence[Entry],
    plans: Sequence[Plan],
    modalities: tuple[ModalityName, ...],
    read: Reader,
    *,
    workers: int,
    average: bool = True,
    progress: Progress = lambda done, total: None,
) -> Extraction:
    """Decode the windows of all plans once and read them out of each model, the mean of the windows if ``average``.

    The models share the first one's recipe and device. Raises :class:`EvaluationError` for outputs that are not
    finite.
    """
    rows: list[dict[int, dict[ModalityName, NDArray[np.float32]]]] = [{} for _ in models]
    failures: dict[int, str] = {}
    for indices, batch in _batches(models[0], entries, plans, modalities, workers):
        failures.update({indices[failure.item]: failure.reason for failure in batch.failures})
        found = {modality: _through(models, batch, modality, read) for modality in modalities if len(batch)}
        for place, item in enumerate(batch.items.tolist()):
            for number in range(len(models)):
                vectors = {modality: found[modality][number, place] for modality in modalities}
                rows[number][indices[item]] = {m: v.mean(axis=0) if average else v.copy() for m, v in vectors.items()}
        progress(len(rows[0]) + len(failures), len(plans))
    kept = sorted(rows[0])
    stacked: list[Vectors] = [{m: _stack([own[i] for i in kept], m) for m in modalities if kept} for own in rows]
    return Extraction(kept, stacked, failures)


def _batches(
    model: PretrainedModel,
    entries: Sequence[Entry],
    plans: Sequence[Plan],
    modalities: tuple[ModalityName, ...],
    workers: int,
) -> Iterator[tuple[list[int], Batch]]:
    """Batches of plans that have equally many windows, with the plans' indices by the batch's item numbers."""
    recipe = model.recipe
    reader = ClipReader(recipe.clip, modalities, recipe.model.video.channels == 1, model.store)
    for windows in sorted({len(plan.windows) for plan in plans}):
        indices = [i for i, plan in enumerate(plans) if len(plan.windows) == windows]
        chosen = [plans[i] for i in indices]
        clips = Clips([entries[plan.segment.entry] for plan in chosen], reader, _Windows(chosen))
        for batch in ordered_batches(clips, max(1, recipe.run.batch // windows), workers):
            yield indices, batch.to(model.precision.device)


def _stack(rows: Sequence[Vectors], modality: ModalityName) -> NDArray[np.float32]:
    """One modality of all rows, each given up as it is copied: features are large."""
    first = rows[0][modality]
    stacked = np.empty((len(rows), *first.shape), dtype=first.dtype)
    for place, row in enumerate(rows):
        stacked[place] = row.pop(modality)
    return stacked


@torch.inference_mode()
def _through(
    models: Sequence[PretrainedModel], batch: Batch, modality: ModalityName, read: Reader
) -> NDArray[np.float32]:
    """(models, batch, windows, dim); the windows of all recordings go through a network side by side."""
    view = models[0].views.test_view(batch.windows_as_recordings(), modality)
    outputs = []
    for model in models:
        with model.precision.autocast():
            outputs.append(read(model.phi, modality, view).float())
    found = torch.stack(outputs)
    if not bool(found.isfinite().all()):
        raise EvaluationError(f"weights: what the networks make of {modality} is not finite; the run has diverged")
    return found.view(len(models), len(batch), -1, found.shape[-1]).cpu().numpy()
