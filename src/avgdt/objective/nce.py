"""The noise-contrastive loss over the views of a composition (section 3, equation 6 of the paper) as pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F

from avgdt.objective.errors import ObjectiveError

Matrix = Sequence[Sequence[bool]]

TIE = {"float32": 1e-6, "float64": 1e-7}
"""Tolerance within which cosine similarities of float32 embeddings count as equal, by precision of the computation.

In float32, the result depends on the order of summation. In float64, the precision of the embeddings is the limit.
"""


class Negatives(NamedTuple):
    """The negative keys of one transformation for the queries of a batch."""

    keys: torch.Tensor
    """Negative keys, (n, dim), unit vectors."""
    mask: torch.Tensor
    """Mask, (batch, n) bool: whether each key is a negative of each query."""


class NCE(NamedTuple):
    """The loss of a batch and its diagnostics; only ``loss`` has a gradient."""

    loss: torch.Tensor
    """Loss, a scalar: summed or averaged over the pairs, and averaged over the batch."""
    accuracy: torch.Tensor
    """Re-identification accuracy, a scalar: the fraction of queries whose positive is more similar than every
    negative."""
    pairs: tuple[tuple[int, int], ...]
    """Ordered pairs of views (query, key) that attract each other."""
    pair_accuracy: torch.Tensor
    """Re-identification accuracy of each pair, (pairs,)."""
    positive_probability: torch.Tensor
    """Softmax probability p of the positive, (pairs, batch); the gradient is proportional to 1 - p, so hard pairs
    dominate (the paper's natural curriculum)."""


def contrastive_loss(
    queries: Sequence[torch.Tensor],
    keys: Sequence[torch.Tensor],
    negatives: Sequence[Negatives],
    attract: Matrix,
    repel: Matrix,
    temperature: float,
    pair_reduction: Literal["sum", "mean"] = "sum",
) -> NCE:
    """Compute the noise-contrastive loss between T ``queries`` and T ``keys``, each (batch, dim), in float32.

    Queries and keys have unit length. For each ordered pair (i, j) with ``attract[i][j]``, the positive is key j of the
    query's recording. The negatives are the keys in ``negatives[j]`` whose mask is True, and the keys m of the query's
    recording with ``repel[i][m]``; each key counts once. ``pair_reduction`` is ``sum`` (equation 6) or ``mean``, with
    which the scale of the loss does not depend on T. A query whose positive ties with a negative counts as not
    re-identified, and so does a query without negatives. Raises :class:`ObjectiveError` if counts differ, no pair
    attracts, or the temperature is not positive.
    """
    pairs = _pairs(queries, keys, negatives, attract, repel, temperature)
    losses, hits, probabilities = [], [], []
    # In half precision, similarities of near neighbours would round to equal values, so autocast is disabled.
    with torch.autocast(queries[0].device.type, enabled=False):
        for i, j in pairs:
            cosines, counted = similarities(i, j, queries, keys, negatives, repel)
            logits = cosines.masked_fill(~counted, -torch.inf) / temperature
            # Equation 6: -log( exp(q.k / tau) / (exp(q.k / tau) + sum of exp(q.n / tau)) ), the positive in column 0
            losses.append(F.cross_entropy(logits, logits.new_zeros(len(logits), dtype=torch.long)))
            with torch.no_grad():
                positive = logits[:, 0]
                hardest = F.pad(logits[:, 1:], (0, 1), value=-torch.inf).amax(1)
                hits.append((positive > hardest + TIE["float32"] / temperature) & (hardest > -torch.inf))
                probabilities.append(torch.exp(positive - logits.logsumexp(1)))
    pair_accuracy = torch.stack(hits).float().mean(1)
    stacked = torch.stack(losses)
    loss = stacked.mean() if pair_reduction == "mean" else stacked.sum()
    return NCE(loss, pair_accuracy.mean(), pairs, pair_accuracy, torch.stack(probabilities))


def batch_negatives(
    keys: Sequence[torch.Tensor], recordings: torch.Tensor, queries: torch.Tensor | None = None
) -> list[Negatives]:
    """Return in-batch negatives: for each of the T ``keys`` (n, dim), the keys of other recordings.

    ``recordings`` (n,) holds the recordings of the keys. ``queries`` (batch,) holds the recordings of the queries if
    they differ from ``recordings``, for example because the keys of all devices were gathered.
    """
    mask = (recordings if queries is None else queries)[:, None] != recordings[None, :]
    return [Negatives(key, mask.to(key.device)) for key in keys]


def pooled_negatives(negatives: Sequence[Negatives], modalities: Sequence[str]) -> list[Negatives]:
    """Return for each view the concatenated negatives of all views of its modality, each key once.

    Views of the same modality share tensors, so memory is linear in T.
    """
    pooled = dict[str, Negatives]()
    for modality in dict.fromkeys(modalities):
        parts = [n for n, name in zip(negatives, modalities, strict=True) if name == modality]
        pooled[modality] = Negatives(torch.cat([n.keys for n in parts]), torch.cat([n.mask for n in parts], dim=1))
    return [pooled[modality] for modality in modalities]


def similarities(
    i: int,
    j: int,
    queries: Sequence[torch.Tensor],
    keys: Sequence[torch.Tensor],
    negatives: Sequence[Negatives],
    repel: Matrix,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the cosine similarities of the queries and keys of the pair (i, j), and the mask of keys in the loss.

    Similarities and mask have the shape (batch, 1 + repelling views + n). The columns are the positive, the repelling
    keys of the query's recording, and ``negatives[j]``.
    """
    query = queries[i].float()
    same_recording = [j, *(m for m in range(len(keys)) if repel[i][m])]
    within = torch.einsum("bd,mbd->bm", query, torch.stack([keys[m].float() for m in same_recording]))
    to_negatives = torch.einsum("bd,nd->bn", query, negatives[j].keys.float())
    counted = torch.cat([torch.ones_like(within, dtype=torch.bool), negatives[j].mask], dim=1)
    return torch.cat([within, to_negatives], dim=1), counted


def attracting_pairs(attract: Matrix) -> tuple[tuple[int, int], ...]:
    """Return the ordered pairs of views that attract; raise :class:`ObjectiveError` if there is none."""
    pairs = tuple((i, j) for i, row in enumerate(attract) for j, attracts in enumerate(row) if attracts)
    if not pairs:
        raise ObjectiveError("no view attracts another; change the composition")
    return pairs


def _pairs(
    queries: Sequence[torch.Tensor],
    keys: Sequence[torch.Tensor],
    negatives: Sequence[Negatives],
    attract: Matrix,
    repel: Matrix,
    temperature: float,
) -> tuple[tuple[int, int], ...]:
    counts = {len(queries), len(keys), len(negatives), len(attract), len(repel)}
    counts |= {len(row) for row in (*attract, *repel)}
    if len(counts) != 1:
        raise ObjectiveError(
            f"queries ({len(queries)}), keys ({len(keys)}), negatives ({len(negatives)}), attract and repel "
            "must have one entry per view"
        )
    shapes = {tuple(x.shape) for x in (*queries, *keys)}
    if len(shapes) != 1 or 0 in next(iter(shapes)):
        raise ObjectiveError(f"queries and keys must have the same non-empty shape (batch, dim), got {sorted(shapes)}")
    for j, (negative_keys, mask) in enumerate(negatives):
        if negative_keys.shape[1:] != queries[0].shape[1:] or mask.shape != (len(queries[0]), len(negative_keys)):
            raise ObjectiveError(
                f"negatives of view {j}: {tuple(negative_keys.shape)} keys and a mask of {tuple(mask.shape)} do not "
                f"fit queries of {tuple(queries[0].shape)}"
            )
    if not temperature > 0:
        raise ObjectiveError(f"objective.temperature must be above 0, got {temperature}")
    return attracting_pairs(attract)
