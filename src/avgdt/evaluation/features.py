"""Extraction of features with frozen networks; every clip is decoded once for all networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from avgdt.composition.factors import ModalityName
from avgdt.data.batch import Batch
from avgdt.data.clips import ClipReader
from avgdt.data.dataset import Clips, ordered_batches
from avgdt.data.manifest import Entry
from avgdt.data.windows import Window
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.plans import Plan
from avgdt.models.phi import Phi
from avgdt.models.pretrained import PretrainedModel

Progress = Callable[[int, int], None]
"""Callback with the arguments (recordings done, recordings in total)."""
Vectors = dict[ModalityName, NDArray[np.float32]]
"""Vectors by modality: (recordings, windows, dim), or (recordings, dim) if they are averaged over windows."""

Preprocess = Callable[[Batch, ModalityName], torch.Tensor]
"""Callable ``(batch, modality) -> view``; the batch has one window per recording, and the view is the network input."""
Reader = Callable[[Phi, str, torch.Tensor], torch.Tensor]
"""Callable ``(phi, modality, view) -> vectors``; the vectors are (batch, dim)."""


def embeddings(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
    """Compute the embeddings to which the objective is applied, (batch, out); they have unit length."""
    return phi.embed(modality, view)


def mean_features(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
    """Compute the output of the last convolution, averaged over time and space, (batch, dim)."""
    return phi.features(modality, view)


def timed_features(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
    """Compute the output of the last convolution, averaged over space (video) or frequency (audio).

    The time steps are concatenated, so the result is (batch, dim * time).
    """
    features = phi.feature_map(modality, view).float()
    # video (batch, dim, time, height, width); audio (batch, dim, mels, time)
    space = (3, 4) if modality == "video" else (2,)
    return features.mean(dim=space).flatten(1)


def conv5_features(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
    """Compute the output of the last convolution for spectrograms, pooled by :func:`pool_conv5`.

    The result is (batch, dim * mels' * pooled time).
    """
    return pool_conv5(phi.feature_map(modality, view))


def pool_conv5(feature_map: torch.Tensor) -> torch.Tensor:
    """Max-pool a feature map (batch, dim, mels', time') over time, as in the paper for ESC-50, and flatten it.

    The kernel spans three time steps, and the stride is two. For two seconds of audio, the feature map of ResNet-18 is
    512 x 2 x 7, which yields 512 x 2 x 3 = 3072 features. Raises :class:`EvaluationError` if there are fewer than
    three time steps.
    """
    if feature_map.shape[-1] < 3:
        raise EvaluationError(
            f"weights: the feature map of a sub-clip has only {feature_map.shape[-1]} time steps, but pooling needs 3; "
            "the recipe's log_mel.step is too long"
        )
    return F.max_pool2d(feature_map.float(), (1, 3), (1, 2)).flatten(1)


def spectrograms(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
    """Return the input spectrograms unchanged, flattened to (batch, mels * time), as input for finetuning."""
    return view.flatten(1)


def counter(progress: Progress, total: int) -> Callable[[], None]:
    """Return a function that counts its calls and reports (calls, ``total``) to ``progress``."""
    done = count(1)
    return lambda: progress(next(done), total)


@dataclass(frozen=True)
class Extraction:
    """Vectors of all plans that could be read."""

    read: list[int]
    """Sorted indices of the plans that could be read, one for each row of the vectors."""
    vectors: list[Vectors]
    """Vectors of each model; the dictionaries are empty if no plan could be read."""
    failures: dict[int, str]
    """Reasons why plans could not be read, by index of the plan."""


class Extract(Protocol):
    """Interface of :func:`extract` and of :meth:`avgdt.evaluation.cache.FeatureCache.extract`."""

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
        """Compute the vectors of all plans; see :func:`extract`."""


@dataclass(frozen=True)
class _Windows:
    """Callable that returns the windows of a plan, given the plan's index.

    It is a class so that it can be pickled for worker processes.
    """

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
    preprocess: Preprocess | None = None,
) -> Extraction:
    """Decode the windows of all plans once, and compute their vectors with each model.

    If ``average`` is True, the vectors of a plan are averaged over its windows. By default, ``preprocess`` computes the
    evaluation view of the models' recipe. The models must have the same recipe and device. Raises
    :class:`EvaluationError` if an output is not finite.
    """
    rows: list[dict[int, dict[ModalityName, NDArray[np.float32]]]] = [{} for _ in models]
    failures: dict[int, str] = {}
    for indices, batch in _batches(models[0], entries, plans, modalities, workers):
        failures.update({indices[failure.item]: failure.reason for failure in batch.failures})
        outputs = {
            modality: _forward(models, batch, modality, read, preprocess) for modality in modalities if len(batch)
        }
        for row, item in enumerate(batch.items.tolist()):
            for number in range(len(models)):
                vectors = {modality: outputs[modality][number, row] for modality in modalities}
                rows[number][indices[item]] = {m: v.mean(axis=0) if average else v.copy() for m, v in vectors.items()}
        progress(len(rows[0]) + len(failures), len(plans))
    done = sorted(rows[0])
    stacked: list[Vectors] = [
        {m: _stack([vectors[i] for i in done], m) for m in modalities if done} for vectors in rows
    ]
    return Extraction(done, stacked, failures)


def _batches(
    model: PretrainedModel,
    entries: Sequence[Entry],
    plans: Sequence[Plan],
    modalities: tuple[ModalityName, ...],
    workers: int,
) -> Iterator[tuple[list[int], Batch]]:
    """Yield batches of plans that have the same number of windows.

    Each batch is paired with a list that maps the item indices of the batch to indices into ``plans``.
    """
    recipe = model.recipe
    reader = ClipReader(recipe.clip, modalities, recipe.model.video.channels == 1, model.store)
    for windows in sorted({len(plan.windows) for plan in plans}):
        indices = [i for i, plan in enumerate(plans) if len(plan.windows) == windows]
        equal = [plans[i] for i in indices]
        clips = Clips([entries[plan.segment.entry] for plan in equal], reader, _Windows(equal))
        for batch in ordered_batches(clips, max(1, recipe.run.batch // windows), workers):
            yield indices, batch.to(model.precision.device)


def _stack(rows: Sequence[Vectors], modality: ModalityName) -> NDArray[np.float32]:
    """Stack the vectors of one modality into an array; each vector is released once copied, to limit memory use."""
    first = rows[0][modality]
    stacked = np.empty((len(rows), *first.shape), dtype=first.dtype)
    for index, row in enumerate(rows):
        stacked[index] = row.pop(modality)
    return stacked


@torch.inference_mode()
def _forward(
    models: Sequence[PretrainedModel],
    batch: Batch,
    modality: ModalityName,
    read: Reader,
    preprocess: Preprocess | None,
) -> NDArray[np.float32]:
    """Compute the vectors of a batch, (models, batch, windows, dim), in one forward pass per model."""
    view = (preprocess or models[0].views.test_view)(batch.windows_as_recordings(), modality)
    outputs = []
    for model in models:
        with model.precision.autocast():
            outputs.append(read(model.phi, modality, view).float())
    stacked = torch.stack(outputs)
    if not bool(stacked.isfinite().all()):
        raise EvaluationError(f"weights: the {modality} network's output is not finite; the run has diverged")
    return stacked.view(len(models), len(batch), -1, stacked.shape[-1]).cpu().numpy()
