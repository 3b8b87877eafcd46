"""The training state (networks, momentum encoder, memory bank, optimiser), and the training step that updates it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F

from avgdt.data.batch import Batch
from avgdt.models.batch_norm import GroupStatistics, synchronise
from avgdt.models.convolution_check import check_convolutions, use_float32
from avgdt.models.memory_format import set_memory_format
from avgdt.models.phi import Phi
from avgdt.models.precision import Precision
from avgdt.objective.bank import Bank
from avgdt.objective.momentum import MomentumEncoder
from avgdt.objective.nce import NCE, Negatives, attracting_pairs, batch_negatives, contrastive_loss, pooled_negatives
from avgdt.objective.sigmoid import SigmoidLoss
from avgdt.objective.sigreg import lejepa
from avgdt.recipes.recipe import Recipe
from avgdt.training.checkpoint_file import not_finite
from avgdt.training.global_batch import GlobalBatch, group_count, parts_over
from avgdt.training.optimiser import build_optimiser, clip_gradient, lr_at, set_lr
from avgdt.training.ranks import Ranks
from avgdt.training.step_count import blank_batch
from avgdt.transforms.views import Views

GREATEST_GROWTH = 100.0
"""Maximum factor by which the norm of the parameters may grow during a run; beyond it, the run has diverged."""
Tensors = list[torch.Tensor]


class Learner:
    """The complete training state, from which a run resumes with bit-identical results."""

    def __init__(
        self,
        recipe: Recipe,
        steps_per_epoch: int,
        precision: Precision,
        weights: Callable[[Phi], None] | None = None,
        ranks: Ranks = Ranks(),  # noqa: B008 (a frozen value)
    ) -> None:
        """Initialise the networks from ``recipe.run.seed``; ``weights``, if given, then loads other values into them.

        The batches of ``recipe.run.batch`` recordings are distributed over ``ranks``. Raises :class:`TrainingError` if
        a batch has several batch norm groups but fewer than there are ranks.
        """
        self.recipe = recipe
        self.ranks = ranks
        self._groups = group_count(recipe)
        self.parts = parts_over(ranks, self._groups, "run.norm_group: makes", "--run.norm_group")
        """Number of parts of a batch: one per batch norm group, or one per rank if there is a single group."""
        self.portion = ranks.portion(self.parts)
        """Indices of the parts of a batch that this rank computes."""
        self.steps_per_epoch = steps_per_epoch
        self.precision = precision
        self.step = 0
        composition = recipe.composition
        torch.manual_seed(recipe.run.seed)
        self.modalities: list[str] = [view.modality for view in composition.views]
        self.phi = Phi(recipe.model, composition.modalities).to(precision.device)
        if weights is not None:
            weights(self.phi)
        self.norm_at_start = self.norm()
        set_memory_format(self.phi, recipe.run.channels_last, precision)
        self.views = Views.of(recipe)
        self.views.to(precision.device)
        self.key_encoder: MomentumEncoder | None = None
        self.bank: Bank | None = None
        if recipe.objective.negatives == "bank":
            groups = self._groups * recipe.objective.key_groups
            self._key_parts = parts_over(ranks, groups, "objective.key_groups: makes", "--objective.key-groups")
            self.key_encoder = MomentumEncoder(self.phi)
            if self._key_parts > groups:
                synchronise(self.key_encoder.phi)
            set_memory_format(self.key_encoder.phi, recipe.run.channels_last, precision)
            self.bank = Bank(len(composition.views), recipe.objective.bank, recipe.model.head.out).to(precision.device)
        if self.parts > self._groups:
            synchronise(self.phi)
        for encoder in self.phi.encoders.values():
            encoder.recompute = recipe.run.recompute  # type: ignore[assignment]
        if recipe.run.compile:
            for phi in [self.phi, *([self.key_encoder.phi] if self.key_encoder else [])]:
                for encoder in phi.encoders.values():
                    encoder.compile()
        self._unit = recipe.objective.loss != "sigreg"
        sigmoid = recipe.objective.loss == "sigmoid"
        self.sigmoid = SigmoidLoss(recipe.objective.sigmoid_bias).to(precision.device) if sigmoid else None
        self.optimiser = build_optimiser(recipe.optimiser, self.phi, *filter(None, [self.sigmoid]))
        self.scaler = precision.scaler()
        self.unchanged = False
        """Whether the latest step failed because another rank was lost, and left the training state unchanged."""
        self.gradient_norm = torch.zeros((), device=precision.device)
        """Euclidean norm of the gradient of the latest step, on the device; 0 if it is not finite."""

    @property
    def one_group(self) -> bool:
        """Whether the whole batch, over all ranks, is a single batch norm group."""
        return self._groups == 1

    def check_convolutions(self) -> list[str]:
        """Return the names of the convolutions that this device computes wrongly in half precision."""
        batch = blank_batch(self.recipe, 2).to(self.precision.device)
        return check_convolutions(self.phi, self.views(batch), self.modalities, self.precision)

    def use_float32(self, convolutions: Sequence[str]) -> None:
        """Make the networks compute the named ``convolutions`` in float32."""
        for phi in [self.phi, *([self.key_encoder.phi] if self.key_encoder else [])]:
            use_float32(phi, convolutions)

    @property
    def epoch(self) -> float:
        """Number of epochs trained so far, as a fractional number."""
        return self.step / self.steps_per_epoch

    @property
    def lr(self) -> float:
        """Learning rate of the next step."""
        return lr_at(self.recipe, self.step, self.steps_per_epoch)

    @property
    def key_lifetime(self) -> int:
        """Number of steps for which a key stays in the bank; 0 without a bank."""
        return math.ceil(self.bank.size / self.recipe.run.batch) if self.bank else 0

    def monitored(self, step: int) -> bool:
        """Return whether the monitors are due after ``step`` steps.

        They are due every ``run.monitor_epochs`` epochs, and at the end.
        """
        every = self.recipe.run.monitor_epochs * self.steps_per_epoch
        end = self.recipe.schedule.epochs * self.steps_per_epoch
        return bool(every) and step > 0 and (step % every == 0 or step == end)

    def norm(self) -> float:
        """Return the Euclidean norm of all parameters of the networks."""
        return float(torch.linalg.vector_norm(torch.stack([p.detach().norm() for p in self.phi.parameters()])))

    def diverged(self) -> str:
        """Return the reason why the run has diverged, as a sentence; "" if it has not diverged.

        A run has diverged if a value of its state is not finite, or if the norm of the parameters exceeds
        ``GREATEST_GROWTH`` times the norm at the start.
        """
        if name := not_finite(self.state()):
            return f"{name} is not finite"
        growth = self.norm() / self.norm_at_start
        return f"the weights are {growth:.0f} times as large as at the start" if growth > GREATEST_GROWTH else ""

    @property
    def _step_seed(self) -> int:
        return self.recipe.run.seed * 1_000_003 + self.step

    def train_step(self, groups: Sequence[Batch]) -> tuple[NCE, dict[str, torch.Tensor]]:
        """Take one training step on the global batch; every rank calls this method with its batch norm ``groups``.

        Returns the loss of the whole batch and the embedding std of each modality: the standard deviation over the
        batch, averaged over dimensions and multiplied by the square root of their number. It is 1 for embeddings that
        are uniformly distributed on the sphere, and 0 for embeddings that have collapsed to a point. The step does not
        synchronise with the device; a loss that is not finite is detected when it is logged.
        """
        with self._unchanged_by_lost_ranks():
            result, queries, keys, recordings = self._differentiate(groups)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        if self.key_encoder is not None and self.bank is not None and keys is not None:
            self.key_encoder.update(self.phi, self.recipe.objective.momentum)
            self.bank.push(keys, recordings)
        self.step += 1
        return result, {
            modality: queries[self.modalities.index(modality)].std(0).mean() * self.recipe.model.head.out**0.5
            for modality in self.phi.modalities
        }

    @contextmanager
    def _unchanged_by_lost_ranks(self) -> Iterator[None]:
        """Return a context manager that restores all buffers and sets ``unchanged`` if another rank is lost."""
        self.unchanged = False
        networks = [self.phi, *([self.key_encoder.phi] if self.key_encoder else [])] if self.ranks.size > 1 else []
        before = [{name: buffer.clone() for name, buffer in phi.named_buffers()} for phi in networks]
        try:
            yield
        except RuntimeError:
            for phi, buffers in zip(networks, before, strict=True):
                phi.load_state_dict(buffers, strict=False)
            self.unchanged = bool(networks)
            raise

    def _differentiate(self, groups: Sequence[Batch]) -> tuple[NCE, Tensors, Tensors | None, torch.Tensor]:
        """Compute the gradient on the global batch; return the loss, queries, bank keys and recordings."""
        set_lr(self.optimiser, *[self.lr] * len(self.optimiser.param_groups))
        objective = self.recipe.objective
        batch = GlobalBatch.gather(groups, self.ranks)
        statistics = GroupStatistics(self.phi, self._groups)
        self.phi.train()
        self.optimiser.zero_grad(set_to_none=True)
        group_views = self.views(groups[0]) if len(groups) == self.ranks.size == 1 else None
        keys = self._bank_keys(batch, group_views)
        if keys is not None and objective.loss == "nce":
            result, queries = self._differentiate_by_group(batch, group_views, keys, statistics)
        else:
            result, queries = self._differentiate_at_once(batch, group_views, keys, statistics)
        statistics.finish(self.ranks.add_up)
        parameters = (p for group in self.optimiser.param_groups for p in group["params"])
        self.ranks.add_up([p.grad for p in parameters if p.grad is not None])
        self.scaler.unscale_(self.optimiser)
        self.gradient_norm = clip_gradient(self.optimiser, self.recipe.optimiser.clip_norm).nan_to_num(0.0, 0.0)
        return result, queries, keys, batch.recordings

    def _differentiate_by_group(
        self, batch: GlobalBatch, group_views: Tensors | None, keys: Tensors, statistics: GroupStatistics
    ) -> tuple[NCE, Tensors]:
        """Differentiate the loss group by group.

        This is possible with a bank, since the loss of a query then does not depend on other queries.
        """
        assert self.bank is not None
        diagnostics, queries = list[torch.Tensor](), list[Tensors]()
        pairs = attracting_pairs(self.recipe.composition.attract)
        for number, (group, rows) in enumerate(zip(batch.groups, batch.rows, strict=True)):
            with statistics.group():
                embeddings = self._embed(self.views(group) if group_views is None else group_views, number)
            bank = [self.bank.negatives(view, batch.recordings[rows]) for view in range(len(keys))]
            result = self._loss(embeddings, [key[rows] for key in keys], bank)
            fraction = len(group) / len(batch)
            self.scaler.scale(result.loss * fraction).backward()  # type: ignore[no-untyped-call]
            queries.append([query.detach() for query in embeddings])
            mean = [result.loss.detach(), result.accuracy, *result.pair_accuracy, *result.positive_probability.mean(1)]
            diagnostics.append(torch.stack(mean) * fraction)
        total = torch.stack(diagnostics).sum(0)
        self.ranks.add_up([total])
        loss, accuracy, by_pair, probability = torch.split(total, [1, 1, len(pairs), len(pairs)])
        gathered = [self.ranks.gather_rows(torch.cat(view), batch.counts) for view in zip(*queries, strict=True)]
        return NCE(loss[0], accuracy[0], pairs, by_pair, probability[:, None]), gathered

    def _differentiate_at_once(
        self, batch: GlobalBatch, group_views: Tensors | None, keys: Tensors | None, statistics: GroupStatistics
    ) -> tuple[NCE, Tensors]:
        """Differentiate the loss of the whole batch at once; the loss of a query may depend on all other queries.

        If there are several groups, they are first embedded without gradient. The gradient of the loss with respect to
        the embeddings is then propagated through one group after another, each of which is embedded again (gradient
        caching, arXiv 2101.06983).
        """
        again = len(batch.groups) > 1
        parts = list[Tensors]()
        for number, group in enumerate(batch.groups):
            with statistics.group(), torch.set_grad_enabled(not again):
                parts.append(self._embed(self.views(group) if group_views is None else group_views, number))
        local = [torch.cat(view) for view in zip(*parts, strict=True)]
        embeddings = local
        if again or self.ranks.size > 1:
            embeddings = [self.ranks.gather_rows(x.detach(), batch.counts).requires_grad_() for x in local]
        objective = self.recipe.objective
        queries = embeddings if self._unit else [F.normalize(embedding, dim=1) for embedding in embeddings]
        if keys is not None and self.bank is not None:
            negatives = [self.bank.negatives(view, batch.recordings) for view in range(len(keys))]
        else:
            keys = [query.detach() for query in queries] if objective.detach_keys else queries
            negatives = batch_negatives(keys, batch.recordings)
        result = self._loss(queries, keys, negatives, embeddings)
        self.scaler.scale(result.loss).backward()  # type: ignore[no-untyped-call]
        if embeddings is not local:
            # Every rank computes the complete gradient of the loss's own parameters, so only rank 0 adds it to the sum.
            if self.ranks.rank and self.sigmoid is not None:
                self.sigmoid.zero_grad(set_to_none=False)
            for number, (group, rows) in enumerate(zip(batch.groups, batch.rows, strict=True)):
                part = parts[number]
                if again:
                    with statistics.uncounted():
                        part = self._embed(self.views(group), number)
                torch.autograd.backward(part, [x.grad[rows] for x in embeddings if x.grad is not None])
        return result, [query.detach() for query in queries]

    def _embed(self, views: Tensors, index: int) -> Tensors:
        """Embed the views of group ``index`` of this rank; dropout depends on the step and the group."""
        torch.manual_seed(self._step_seed + 7919 * (self.portion.start + index))
        with self.precision.autocast():
            embeddings: Tensors = self.phi(views, self.modalities, self._unit)
        return embeddings

    def _loss(
        self, queries: Tensors, keys: Tensors, negatives: list[Negatives], embeddings: Tensors | None = None
    ) -> NCE:
        """Compute the loss of the recipe, with the accuracy and probabilities of the noise-contrastive loss.

        ``embeddings`` are the queries before normalisation, which SIGReg needs.
        """
        objective, composition = self.recipe.objective, self.recipe.composition
        attract, repel = composition.attract, composition.repel
        if objective.negatives_from == "modality":
            negatives = pooled_negatives(negatives, self.modalities)
        with torch.set_grad_enabled(objective.loss == "nce"):
            result = contrastive_loss(
                queries, keys, negatives, attract, repel, objective.temperature, objective.pair_reduction
            )
        if self.sigmoid is not None:
            result = result._replace(loss=self.sigmoid(queries, keys, negatives, attract, repel))
        if objective.loss == "sigreg" and embeddings is not None:
            directions = torch.Generator().manual_seed(self._step_seed)
            result = result._replace(loss=lejepa(embeddings, attract, objective.sigreg_weight, directions))
        return result

    def _bank_keys(self, batch: GlobalBatch, group_views: Tensors | None) -> Tensors | None:
        """Compute keys with the momentum encoder, normalised in shuffled groups; return None without a bank."""
        if self.key_encoder is None:
            return None
        groups = self._groups * self.recipe.objective.key_groups
        shuffle = torch.Generator().manual_seed(self._step_seed)
        torch.manual_seed(self._step_seed + 1)
        with self.precision.autocast():
            if group_views is not None:
                return self.key_encoder.keys(group_views, self.modalities, groups, shuffle)
            order = torch.randperm(len(batch), generator=shuffle)
            parts = order.tensor_split(self._key_parts)
            mine = [[parts[i] for i in portion] for portion in self.ranks.portions(len(parts))]
            views = (self.views(clips) for clips in batch.clips(mine))
            statistics = GroupStatistics(self.key_encoder.phi, groups)
            keys = self.key_encoder.keys_of_groups(views, self.modalities, statistics)
            statistics.finish(self.ranks.add_up)
        counts, inverse = [sum(map(len, rows)) for rows in mine], order.argsort().to(self.precision.device)
        return [self.ranks.gather_rows(key, counts)[inverse] for key in keys]

    def state(self) -> dict[str, Any]:
        """Return the training state as tensors and plain data, for a checkpoint."""
        return {
            "step": self.step,
            "norm_at_start": self.norm_at_start,
            "phi": self.phi.state_dict(),
            "key_encoder": self.key_encoder.state_dict() if self.key_encoder else None,
            "bank": self.bank.state_dict() if self.bank else None,
            "sigmoid": self.sigmoid.state_dict() if self.sigmoid else None,
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a state that :meth:`state` returned, except for the weight decay, which is taken from the recipe."""
        self.step, self.norm_at_start = int(state["step"]), float(state["norm_at_start"])
        self.phi.load_state_dict(state["phi"])
        if self.key_encoder and self.bank:
            self.key_encoder.load_state_dict(state["key_encoder"])
            self.bank.load_state_dict(state["bank"])
        if self.sigmoid:
            self.sigmoid.load_state_dict(state["sigmoid"])
        self.optimiser.load_state_dict(state["optimiser"])
        for group in self.optimiser.param_groups:
            group["weight_decay"] = self.recipe.optimiser.weight_decay
        self.scaler.load_state_dict(state["scaler"])
