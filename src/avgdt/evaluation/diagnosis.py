"""Diagnostics of contrastive training: geometry of held-out embeddings, and measures of two known shortcuts."""

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
"""Maximum number of batches of held-out recordings on which :func:`batch_norm_share` is measured."""


def alignment(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Compute the alignment: the mean squared distance between the embeddings of positive pairs.

    Row i of ``x`` and row i of ``y``, both (n, dim), are a pair; they are scaled to unit length. The result is
    between 0 and 4; lower is better. Alignment and :func:`uniformity` were introduced by Wang and Isola (arXiv
    2005.10242).
    """
    return float(np.mean(np.sum((unit(x) - unit(y)) ** 2, axis=1)))


def uniformity(x: NDArray[np.floating]) -> float:
    """Compute the uniformity: the logarithm of the mean of exp(-2 |a - b|^2) over all pairs of embeddings.

    ``x`` is (n, dim) with n > 1; its rows are scaled to unit length. The result is 0 if all vectors are equal, and near
    -4 if they are uniformly distributed on the sphere.
    """
    rows = unit(x)
    squared = 2 - 2 * (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    return float(np.log(np.mean(np.exp(-2 * squared))))


def effective_rank(x: NDArray[np.floating]) -> float:
    """Compute RankMe, the exponential of the entropy of the normalised singular values of embeddings (n, dim).

    The result is 1 if all embeddings lie on one line through the origin, min(n, dim) if all singular values are equal,
    and 0 if all embeddings are zero. RankMe was introduced in arXiv 2210.02885.
    """
    values = np.linalg.svd(np.asarray(x, dtype=np.float64), compute_uv=False)
    if not values.sum() > 0:
        return 0.0
    normalised = values[values > 0] / values.sum()
    return float(np.exp(-np.sum(normalised * np.log(normalised))))


def cosine(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Compute the mean cosine similarity of corresponding rows of two arrays (n, dim)."""
    return float(np.mean(np.sum(unit(x) * unit(y), axis=1)))


def batch_norm_share(
    queries: NDArray[np.floating], same: NDArray[np.floating], other: NDArray[np.floating]
) -> float | None:
    """Compute the fraction of the similarity margin that is lost if batch norm normalises the keys in another batch.

    The margin is the mean cosine similarity of positive pairs minus the mean cosine similarity of negative pairs.
    ``queries``, ``same`` and ``other`` are (n, dim): the queries, the keys of the same recordings normalised in the
    queries' batch, and the same keys normalised in another batch. A result of 0 means that the margin does not depend
    on batch norm, and 1 means that it is due to batch norm alone. Returns None for a margin of at most 0.01.
    """
    similarity = unit(queries) @ unit(same).T
    negatives = (similarity.sum() - np.trace(similarity)) / (similarity.size - len(similarity))
    margin = cosine(queries, same) - negatives
    return float((cosine(queries, same) - cosine(queries, other)) / margin) if margin > 0.01 else None


def geometry(queries: Vectors) -> dict[str, float]:
    """Compute the alignment of video and audio embeddings, and the uniformity and effective rank of each modality."""
    measured = {f"uniformity_{modality}": uniformity(queries[modality]) for modality in MODALITIES}
    measured |= {f"effective_rank_{modality}": effective_rank(queries[modality]) for modality in MODALITIES}
    return {"alignment": alignment(queries["video"], queries["audio"])} | measured


def agreement(one: Vectors, other: Vectors) -> float:
    """Compute the mean cosine similarity of two embeddings of the same clips, averaged over video and audio."""
    return float(np.mean([cosine(one[modality], other[modality]) for modality in MODALITIES]))


def measured_batch_norm_share(learner: Learner, entries: Sequence[Entry], plans: Sequence[Plan]) -> float | None:
    """Measure :func:`batch_norm_share` of a learner's networks in training mode, averaged over both query modalities.

    The batches have the size of the batch norm groups in training. Returns None if the held-out recordings fill fewer
    than two batches, if a recording cannot be read, if all margins are too small, or if batch norm is synchronised
    across devices (the measurement runs on one device). The networks and their running statistics are not changed.
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
    fractions = [
        batch_norm_share(query[i], same[j], other[j][inverse]) for i, j in (MODALITIES, (MODALITIES[1], MODALITIES[0]))
    ]
    known = [fraction for fraction in fractions if fraction is not None]
    return float(np.mean(known)) if known else None


def _in_groups(groups: int) -> Reader:
    """Return a reader of embeddings that normalises the batch in ``groups`` random groups.

    The momentum encoder computes its keys in the same way.
    """

    def read(phi: Phi, modality: str, view: torch.Tensor) -> torch.Tensor:
        order = torch.randperm(len(view), generator=torch.Generator().manual_seed(len(view))).to(view.device)
        parts = [phi.embed(modality, view[group]) for group in order.tensor_split(groups)]
        return torch.cat(parts)[order.argsort()]

    return read
