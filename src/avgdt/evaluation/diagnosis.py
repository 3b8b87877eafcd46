"""Diagnosis of contrastive training: geometry of held-out embeddings, and measures of two known shortcuts."""

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
"""Maximum number of batches of held-out recordings from which the share of batch norm is measured."""


def alignment(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Compute the mean squared distance between the unit vectors of positive pairs, which are rows of (n, dim).

    The distance is between 0 and 4, and lower is better. It is a measure of Wang and Isola (arXiv 2005.10242), as is
    :func:`uniformity`.
    """
    return float(np.mean(np.sum((unit(x) - unit(y)) ** 2, axis=1)))


def uniformity(x: NDArray[np.floating]) -> float:
    """Compute the logarithm of the mean of exp(-2 |a - b|^2) over all pairs of unit vectors (n, dim), n > 1.

    The result is 0 if all vectors are equal, and near -4 if they cover the sphere.
    """
    rows = unit(x)
    squared = 2 - 2 * (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    return float(np.log(np.mean(np.exp(-2 * squared))))


def effective_rank(x: NDArray[np.floating]) -> float:
    """Compute RankMe, the exponential of the entropy of the normalised singular values of embeddings (n, dim).

    The result is 1 if all embeddings lie on one line, min(n, dim) if all singular values are equal, and 0 if all
    embeddings are zero. RankMe is from arXiv 2210.02885.
    """
    values = np.linalg.svd(np.asarray(x, dtype=np.float64), compute_uv=False)
    if not values.sum() > 0:
        return 0.0
    shares = values[values > 0] / values.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))


def cosine(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Compute the mean cosine between corresponding rows of two arrays (n, dim)."""
    return float(np.mean(np.sum(unit(x) * unit(y), axis=1)))


def batch_norm_share(
    queries: NDArray[np.floating], same: NDArray[np.floating], other: NDArray[np.floating]
) -> float | None:
    """Compute the share of the positives' margin that is lost if batch norm normalises keys in another batch.

    The margin is the mean cosine of positives minus that of negatives. ``queries``, ``same`` and ``other`` are (n,
    dim): queries, keys of the same recordings normalised in the query's batch, and these keys normalised in another
    batch. A share of 0 means that batch norm contributes nothing to the margin, a share of 1 that the margin is due to
    batch norm alone. Returns None for a margin of at most 0.01.
    """
    similarity = unit(queries) @ unit(same).T
    negatives = (similarity.sum() - np.trace(similarity)) / (similarity.size - len(similarity))
    margin = cosine(queries, same) - negatives
    return float((cosine(queries, same) - cosine(queries, other)) / margin) if margin > 0.01 else None


def geometry(queries: Vectors) -> dict[str, float]:
    """Compute the alignment between video and audio embeddings, and the uniformity and effective rank of each."""
    measured = {f"uniformity_{modality}": uniformity(queries[modality]) for modality in MODALITIES}
    measured |= {f"effective_rank_{modality}": effective_rank(queries[modality]) for modality in MODALITIES}
    return {"alignment": alignment(queries["video"], queries["audio"])} | measured


def agreement(one: Vectors, other: Vectors) -> float:
    """Compute the mean cosine between two sets of embeddings of the same clips, averaged over video and audio."""
    return float(np.mean([cosine(one[modality], other[modality]) for modality in MODALITIES]))


def measured_batch_norm_share(learner: Learner, entries: Sequence[Entry], plans: Sequence[Plan]) -> float | None:
    """Measure :func:`batch_norm_share` of a learner's networks in training mode, averaged over query modalities.

    Batches are as large as the groups of batch norm in training. Returns None if the held-out recordings fill fewer
    than two batches, if one of them cannot be read, or if all margins are too small. Returns None too if batch norm is
    synchronised across devices, since only this device measures. The networks and their statistics are not changed.
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
    """Return a reader of embeddings whose batch norm normalises the batch in shuffled groups.

    The momentum encoder computes its keys in this way.
    """

    def read(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
        order = torch.randperm(len(view), generator=torch.Generator().manual_seed(len(view))).to(view.device)
        parts = [phi.embed(modality, view[group]) for group in order.tensor_split(groups)]
        return torch.cat(parts)[order.argsort()]

    return read
