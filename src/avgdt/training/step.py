"""A training step: the gradient of the loss on a global batch, and the update of the training state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F

from avgdt.data.batch import Batch
from avgdt.models.batch_norm import GroupStatistics
from avgdt.objective.nce import NCE, Negatives, attracting_pairs, batch_negatives, contrastive_loss, pooled_negatives
from avgdt.objective.sigreg import lejepa
from avgdt.training.global_batch import GlobalBatch
from avgdt.training.gradient_sum import GradientSum
from avgdt.training.learner import Learner
from avgdt.training.optimiser import clip_gradient, set_lr

Tensors = list[torch.Tensor]


def train_step(learner: Learner, groups: Sequence[Batch]) -> tuple[NCE, dict[str, torch.Tensor]]:
    """Take one training step on the global batch; every rank calls this function with its batch norm ``groups``.

    Returns the loss of the whole batch and the embedding std of each modality: the standard deviation over the
    batch, averaged over dimensions and multiplied by the square root of their number. It is 1 for embeddings that
    are uniformly distributed on the sphere, and 0 for embeddings that have collapsed to a point. The step does not
    synchronise with the device; a non-finite loss is detected when it is logged.
    """
    with _unchanged_by_lost_ranks(learner):
        result, queries, keys, recordings = _differentiate(learner, groups)
    learner.scaler.step(learner.optimiser)
    learner.scaler.update()
    if learner.key_encoder is not None and learner.bank is not None and keys is not None:
        learner.key_encoder.update(learner.phi, learner.recipe.objective.momentum)
        learner.bank.push(keys, recordings)
    learner.step += 1
    return result, {
        modality: queries[learner.modalities.index(modality)].std(0).mean() * learner.recipe.model.head.out**0.5
        for modality in learner.phi.modalities
    }


@contextmanager
def _unchanged_by_lost_ranks(learner: Learner) -> Iterator[None]:
    """Return a context manager that restores all buffers and sets ``unchanged`` if another rank is lost."""
    learner.unchanged = False
    networks = (
        [learner.phi, *([learner.key_encoder.phi] if learner.key_encoder else [])] if learner.ranks.size > 1 else []
    )
    before = [{name: buffer.clone() for name, buffer in phi.named_buffers()} for phi in networks]
    try:
        yield
    except RuntimeError:
        for phi, buffers in zip(networks, before, strict=True):
            phi.load_state_dict(buffers, strict=False)
        learner.unchanged = bool(networks)
        raise


def _differentiate(learner: Learner, groups: Sequence[Batch]) -> tuple[NCE, Tensors, Tensors | None, torch.Tensor]:
    """Compute the gradient on the global batch; return the loss, queries, bank keys and recordings."""
    set_lr(learner.optimiser, *[learner.lr] * len(learner.optimiser.param_groups))
    objective = learner.recipe.objective
    batch = GlobalBatch.gather(groups, learner.ranks)
    statistics = GroupStatistics(learner.phi, learner.groups)
    learner.phi.train()
    learner.optimiser.zero_grad(set_to_none=True)
    group_views = learner.views(groups[0]) if len(groups) == learner.ranks.size == 1 else None
    keys = _bank_keys(learner, batch, group_views)
    gradients = GradientSum(learner.optimiser, len(groups), learner.ranks)
    if keys is not None and objective.loss == "nce":
        result, queries = _differentiate_by_group(learner, batch, group_views, keys, statistics, gradients)
    else:
        result, queries = _differentiate_at_once(learner, batch, group_views, keys, statistics, gradients)
    statistics.finish(learner.ranks.add_up)
    gradients.finish()
    learner.scaler.unscale_(learner.optimiser)
    learner.gradient_norm = clip_gradient(learner.optimiser, learner.recipe.optimiser.clip_norm).nan_to_num(0.0, 0.0)
    return result, queries, keys, batch.recordings


def _differentiate_by_group(
    learner: Learner,
    batch: GlobalBatch,
    group_views: Tensors | None,
    keys: Tensors,
    statistics: GroupStatistics,
    gradients: GradientSum,
) -> tuple[NCE, Tensors]:
    """Differentiate the loss group by group.

    This is possible with a bank, since the loss of a query then does not depend on other queries.
    """
    assert learner.bank is not None
    diagnostics, queries = list[torch.Tensor](), list[Tensors]()
    pairs = attracting_pairs(learner.recipe.composition.attract)
    for number, (group, rows) in enumerate(zip(batch.local_groups, batch.rows, strict=True)):
        with statistics.group():
            embeddings = _embed(learner, learner.views(group) if group_views is None else group_views, number)
        bank = [learner.bank.negatives(view, batch.recordings[rows]) for view in range(len(keys))]
        result = _loss(learner, embeddings, [key[rows] for key in keys], bank)
        fraction = len(group) / len(batch)
        learner.scaler.scale(result.loss * fraction).backward()  # type: ignore[no-untyped-call]
        gradients.add()
        queries.append([query.detach() for query in embeddings])
        mean = [result.loss.detach(), result.accuracy, *result.pair_accuracy, *result.positive_probability.mean(1)]
        diagnostics.append(torch.stack(mean) * fraction)
    total = torch.stack(diagnostics).sum(0)
    learner.ranks.add_up([total])
    loss, accuracy, by_pair, probability = torch.split(total, [1, 1, len(pairs), len(pairs)])
    gathered = [learner.ranks.gather_rows(torch.cat(view), batch.counts) for view in zip(*queries, strict=True)]
    return NCE(loss[0], accuracy[0], pairs, by_pair, probability[:, None]), gathered


def _differentiate_at_once(
    learner: Learner,
    batch: GlobalBatch,
    group_views: Tensors | None,
    keys: Tensors | None,
    statistics: GroupStatistics,
    gradients: GradientSum,
) -> tuple[NCE, Tensors]:
    """Differentiate the loss of the whole batch at once; the loss of a query may depend on all other queries.

    If there are several groups, they are first embedded without gradients. The gradient of the loss with respect to
    the embeddings is then propagated through one group after another, each of which is embedded again (gradient
    caching, arXiv 2101.06983).
    """
    again = len(batch.local_groups) > 1
    parts = list[Tensors]()
    for number, group in enumerate(batch.local_groups):
        with statistics.group(), torch.set_grad_enabled(not again):
            parts.append(_embed(learner, learner.views(group) if group_views is None else group_views, number))
    local = [torch.cat(view) for view in zip(*parts, strict=True)]
    embeddings = local
    if again or learner.ranks.size > 1:
        embeddings = [learner.ranks.gather_rows(x.detach(), batch.counts).requires_grad_() for x in local]
    objective = learner.recipe.objective
    queries = embeddings if learner.normalised else [F.normalize(embedding, dim=1) for embedding in embeddings]
    if keys is not None and learner.bank is not None:
        negatives = [learner.bank.negatives(view, batch.recordings) for view in range(len(keys))]
    else:
        keys = [query.detach() for query in queries] if objective.detach_keys else queries
        negatives = batch_negatives(keys, batch.recordings)
    result = _loss(learner, queries, keys, negatives, embeddings)
    learner.scaler.scale(result.loss).backward()  # type: ignore[no-untyped-call]
    if embeddings is not local:
        # Every rank computes the complete gradient of the loss's own parameters, so only rank 0 adds it to the sum.
        if learner.ranks.rank and learner.sigmoid is not None:
            learner.sigmoid.zero_grad(set_to_none=False)
        for number, (group, rows) in enumerate(zip(batch.local_groups, batch.rows, strict=True)):
            part = parts[number]
            if again:
                with statistics.uncounted():
                    part = _embed(learner, learner.views(group), number)
            torch.autograd.backward(part, [x.grad[rows] for x in embeddings if x.grad is not None])
            gradients.add()
    return result, [query.detach() for query in queries]


def _embed(learner: Learner, views: Tensors, index: int) -> Tensors:
    """Embed the views of group ``index`` of this rank; dropout is seeded with the step and the group."""
    torch.manual_seed(learner.step_seed + 7919 * (learner.portion.start + index))
    with learner.precision.autocast():
        embeddings: Tensors = learner.phi(views, learner.modalities, learner.normalised)
    return embeddings


def _loss(
    learner: Learner, queries: Tensors, keys: Tensors, negatives: list[Negatives], embeddings: Tensors | None = None
) -> NCE:
    """Compute the loss of the recipe; the accuracy and probabilities are always those of the noise-contrastive loss.

    ``embeddings`` are the queries before normalisation, which SIGReg needs.
    """
    objective, composition = learner.recipe.objective, learner.recipe.composition
    attract, repel = composition.attract, composition.repel
    if objective.negatives_from == "modality":
        negatives = pooled_negatives(negatives, learner.modalities)
    with torch.set_grad_enabled(objective.loss == "nce"):
        result = contrastive_loss(
            queries, keys, negatives, attract, repel, objective.temperature, objective.pair_reduction
        )
    if learner.sigmoid is not None:
        result = result._replace(loss=learner.sigmoid(queries, keys, negatives, attract, repel))
    if objective.loss == "sigreg" and embeddings is not None:
        directions = torch.Generator().manual_seed(learner.step_seed)
        result = result._replace(loss=lejepa(embeddings, attract, objective.sigreg_weight, directions))
    return result


def _bank_keys(learner: Learner, batch: GlobalBatch, group_views: Tensors | None) -> Tensors | None:
    """Compute keys with the momentum encoder and batch norm over shuffled groups; return None without a bank."""
    if learner.key_encoder is None:
        return None
    groups = learner.groups * learner.recipe.objective.key_groups
    shuffle = torch.Generator().manual_seed(learner.step_seed)
    torch.manual_seed(learner.step_seed + 1)
    with learner.precision.autocast():
        if group_views is not None:
            return learner.key_encoder.keys(group_views, learner.modalities, groups, shuffle)
        order = torch.randperm(len(batch), generator=shuffle)
        parts = order.tensor_split(learner.key_parts)
        mine = [[parts[i] for i in portion] for portion in learner.ranks.portions(len(parts))]
        views = (learner.views(clips) for clips in batch.clips(mine))
        statistics = GroupStatistics(learner.key_encoder.phi, groups)
        keys = learner.key_encoder.keys_of_groups(views, learner.modalities, statistics)
        statistics.finish(learner.ranks.add_up)
    counts, inverse = [sum(map(len, rows)) for rows in mine], order.argsort().to(learner.precision.device)
    return [learner.ranks.gather_rows(key, counts)[inverse] for key in keys]
