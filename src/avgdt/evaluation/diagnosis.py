"""Diagnosis of contrastive training: the geometry of held-out embeddings, and measures of two known shortcuts."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.evaluation.features import Reader, Vectors, embeddings, extract
from avgdt.evaluation.plans import Plan
from avgdt.evaluation.retrieval import unit
from avgdt.models.batch_norm import SynchronisedBatchNorm
from avgdt.models.phi import Phi
from avgdt.models.pretrained import PretrainedModel
from avgdt.training.learner import Learner

MODALITIES: tuple[ModalityName, ...] = ("video", "audio")
MOST_BATCHES = 16
"""Batches of held-out recordings over which the share of batch norm is measured."""


def alignment(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Mean squared distance between the unit vectors of positives, rows of (n, dim): 0 to 4, lower is better.

    After Wang and Isola (arXiv 2005.10242), as is :func:`uniformity`.
    """
    return float(np.mean(np.sum((unit(x) - unit(y)) ** 2, axis=1)))


def uniformity(x: NDArray[np.floating]) -> float:
    """Logarithm of the mean of exp(-2 |a - b|^2) over all pairs of the n > 1 unit vectors (n, dim).

    0 where all are equal, near -4 where they cover the sphere.
    """
    rows = unit(x)
    squared = 2 - 2 * (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    return float(np.log(np.mean(np.exp(-2 * squared))))


def effective_rank(x: NDArray[np.floating]) -> float:
    """RankMe (arXiv 2210.02885): exponential of the entropy of the normalised singular values of embeddings (n, dim).

    1 where all embeddings lie on one line, min(n, dim) where all singular values are equal; 0 where all are zero.
    """
    values = np.linalg.svd(np.asarray(x, dtype=np.float64), compute_uv=False)
    if not values.sum() > 0:
        return 0.0
    shares = values[values > 0] / values.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))


def cosine(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Mean cosine between corresponding rows of two arrays (n, dim)."""
    return float(np.mean(np.sum(unit(x) * unit(y), axis=1)))


def batch_norm_share(
    queries: NDArray[np.floating], same: NDArray[np.floating], other: NDArray[np.floating]
) -> float | None:
    """The part of a positive's margin over negatives that is lost once its key is normalised in another batch.

    ``queries``, and the keys of the same recordings normalised in the query's batch (``same``) and in another
    (``other``), are (n, dim). 0 means that batch norm contributes nothing to the margin, 1 that it makes up all of
    it; ``None`` for a margin of at most 0.01.
    """
    similarity = unit(queries) @ unit(same).T
    negatives = (similarity.sum() - np.trace(similarity)) / (similarity.size - len(similarity))
    margin = cosine(queries, same) - negatives
    return float((cosine(queries, same) - cosine(queries, other)) / margin) if margin > 0.01 else None


def geometry(queries: Vectors) -> dict[str, float]:
    """Alignment between the modalities of held-out embeddings, and the uniformity and effective rank of each."""
    measured = {f"uniformity_{modality}": uniformity(queries[modality]) for modality in MODALITIES}
    measured |= {f"effective_rank_{modality}": effective_rank(queries[modality]) for modality in MODALITIES}
    return {"alignment": alignment(queries["video"], queries["audio"])} | measured


def agreement(one: Vectors, other: Vectors) -> float:
    """Mean cosine between two embeddings of the same clips, over both modalities."""
    return float(np.mean([cosine(one[modality], other[modality]) for modality in MODALITIES]))


def measured_batch_norm_share(learner: Learner, entries: Sequence[Entry], plans: Sequence[Plan]) -> float | None:
    """:func:`batch_norm_share` of the learner's networks in training mode, over both directions.

    Groups are as large as in training. ``None`` for fewer held-out recordings than two groups hold, where one cannot be
    read, and where batch norm is synchronised across devices, since this device measures alone. The networks and their
    statistics are not changed.
    """
    objective, run = learner.recipe.objective, learner.recipe.run
    batch = min(run.batch, run.norm_group or run.batch)
    plans = plans[: min(len(plans) // batch, MOST_BATCHES) * batch]
    encoders = [learner.phi, *([learner.key_encoder.phi] if learner.key_encoder else [])]
    synchronised = any(isinstance(m, SynchronisedBatchNorm) for encoder in encoders for m in encoder.modules())
    if len(plans) < 2 * batch or synchronised:
        return None
    groups = objective.key_groups if learner.key_encoder else 1
    queries, keys = (
        PretrainedModel(learner.recipe, copy.deepcopy(phi).train(), learner.views, learner.precision)
        for phi in (learner.phi, learner.key_encoder.phi if learner.key_encoder else learner.phi)
    )
    shuffled = np.random.default_rng(0).permutation(len(plans))

    def vectors(model: PretrainedModel, ordered: Sequence[Plan], read: Reader) -> Vectors | None:
        extraction = extract([model], entries, ordered, MODALITIES, read, workers=0)
        return extraction.vectors[0] if len(extraction.read) == len(ordered) else None

    query = vectors(queries, plans, embeddings)
    same = vectors(keys, plans, _in_groups(groups))
    other = vectors(keys, [plans[i] for i in shuffled], _in_groups(groups))
    if query is None or same is None or other is None:
        return None
    inverse = np.argsort(shuffled)
    shares = [
        batch_norm_share(query[i], same[j], other[j][inverse]) for i, j in (MODALITIES, (MODALITIES[1], MODALITIES[0]))
    ]
    known = [share for share in shares if share is not None]
    return float(np.mean(known)) if known else None


def _in_groups(groups: int) -> Reader:
    """A reader of embeddings whose batch norm sees the batch in shuffled groups, as for the momentum encoder's keys."""

    def read(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
        order = torch.randperm(len(view), generator=torch.Generator().manual_seed(len(view))).to(view.device)
        parts = [phi.embed(modality, view[group]) for group in order.tensor_split(groups)]
        return torch.cat(parts)[order.argsort()]

    return read
