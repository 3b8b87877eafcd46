"""The noise-contrastive loss over the views of a composition (section 3, equation 6 of the paper): pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F

from avgdt.objective.errors import ObjectiveError

Matrix = Sequence[Sequence[bool]]

TIE = {"float32": 1e-6, "float64": 1e-7}
"""Cosines of float32 embeddings that differ by less are equal, by the precision of the product.

In float32 a product depends on the order of summation; in float64 the embeddings themselves are the limit.
"""


class Negatives(NamedTuple):
    """The negative keys of one transformation for the queries of a batch."""

    keys: torch.Tensor
    """(n, dim), unit vectors."""
    mask: torch.Tensor
    """(batch, n) bool: whether the key is a negative of the query."""


class NCE(NamedTuple):
    """The loss of a batch and its diagnostics; only ``loss`` carries gradient."""

    loss: torch.Tensor
    """Scalar: summed or averaged over the pairs, averaged over the batch."""
    accuracy: torch.Tensor
    """Scalar: re-identification accuracy, the share of queries whose positive is nearer than every negative."""
    pairs: tuple[tuple[int, int], ...]
    """The ordered pairs of views (query, key) that attract."""
    pair_accuracy: torch.Tensor
    """(pairs,): re-identification accuracy of each pair."""
    positive_probability: torch.Tensor
    """(pairs, batch): softmax probability p of the positive; the gradient scales with 1 - p (natural curriculum)."""


def contrastive_loss(
    queries: Sequence[torch.Tensor],
    keys: Sequence[torch.Tensor],
    negatives: Sequence[Negatives],
    attract: Matrix,
    repel: Matrix,
    temperature: float,
    pair_reduction: Literal["sum", "mean"] = "sum",
) -> NCE:
    """The noise-contrastive loss between T ``queries`` and T ``keys``, each (batch, dim) of unit length, in float32.

    For each ordered pair (i, j) with ``attract[i][j]`` the positive is key j of the query's recording; negatives are
    ``negatives[j]``, where their mask is True, and the recording's own keys m with ``repel[i][m]``; each key once.
    ``pair_reduction``: whether pairs are summed (equation 6) or averaged, so that the loss keeps its scale for any T.
    A tie does not count as accurate, nor does a query without negatives.
    Raises :class:`ObjectiveError` where counts differ, no pair attracts, or the temperature is not positive.
    """
    pairs = _pairs(queries, keys, negatives, attract, repel, temperature)
    losses, hits, probabilities = [], [], []
    # In half precision near neighbours would be equal, so autocast is disabled.
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
    """In-batch negatives: for each of T ``keys`` (n, dim), the keys of other recordings.

    ``recordings`` (n,) are the recordings of the keys, ``queries`` (batch,) those of the queries where they differ, as
    when the keys of all devices were gathered.
    """
    mask = (recordings if queries is None else queries)[:, None] != recordings[None, :]
    return [Negatives(key, mask.to(key.device)) for key in keys]


def pooled_negatives(negatives: Sequence[Negatives], modalities: Sequence[str]) -> list[Negatives]:
    """For each view, the negatives of all views of its modality concatenated, each key once.

    Views of one modality share the tensors, so that memory stays linear in T.
    """
    pooled = dict[str, Negatives]()
    for modality in dict.fromkeys(modalities):
        parts = [n for n, of in zip(negatives, modalities, strict=True) if of == modality]
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
    """Cosines of the queries of view i with the keys of the pair (i, j), and a mask of the keys that count in the loss.

    Both are (batch, 1 + repelling views + n): the positive, then the recording's own keys that repel, then
    ``negatives[j]``.
    """
    query = queries[i].float()
    of_recording = [j, *(m for m in range(len(keys)) if repel[i][m])]
    same = torch.einsum("bd,mbd->bm", query, torch.stack([keys[m].float() for m in of_recording]))
    others = torch.einsum("bd,nd->bn", query, negatives[j].keys.float())
    counted = torch.cat([torch.ones_like(same, dtype=torch.bool), negatives[j].mask], dim=1)
    return torch.cat([same, others], dim=1), counted


def attracting_pairs(attract: Matrix) -> tuple[tuple[int, int], ...]:
    """The ordered pairs of views that attract; raise :class:`ObjectiveError` where there is none."""
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
        raise ObjectiveError(f"queries and keys must share one non-empty (batch, dim) shape, got {sorted(shapes)}")
    for j, (others, mask) in enumerate(negatives):
        if others.shape[1:] != queries[0].shape[1:] or mask.shape != (len(queries[0]), len(others)):
            raise ObjectiveError(
                f"negatives of view {j}: {tuple(others.shape)} keys and a mask of {tuple(mask.shape)} do not fit "
                f"queries of {tuple(queries[0].shape)}"
            )
    if not temperature > 0:
        raise ObjectiveError(f"objective.temperature must be above 0, got {temperature}")
    return attracting_pairs(attract)
