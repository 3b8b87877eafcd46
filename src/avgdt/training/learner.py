"""The training state (networks, momentum encoder, memory bank, optimiser) and one training step on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from avgdt.data.batch import Batch
from avgdt.models.memory_format import set_memory_format
from avgdt.models.phi import Phi
from avgdt.models.precision import Precision
from avgdt.objective.bank import Bank
from avgdt.objective.momentum import MomentumEncoder
from avgdt.objective.nce import NCE, Negatives, batch_negatives, contrastive_loss, pooled_negatives
from avgdt.objective.sigmoid import SigmoidLoss
from avgdt.objective.sigreg import lejepa
from avgdt.recipes.recipe import Recipe
from avgdt.training.checkpoint_file import not_finite
from avgdt.training.optimiser import build_optimiser, lr_factor, set_lr
from avgdt.transforms.views import Views

GREATEST_GROWTH = 100.0


class Learner:
    """The whole training state: a run resumed from it continues bit for bit."""

    def __init__(
        self,
        recipe: Recipe,
        steps_per_epoch: int,
        precision: Precision,
        weights: Callable[[Phi], None] | None = None,
    ) -> None:
        """Initialise the networks from ``recipe.run.seed``; ``weights`` then loads others into them."""
        self.recipe = recipe
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
            self.key_encoder = MomentumEncoder(self.phi)
            set_memory_format(self.key_encoder.phi, recipe.run.channels_last, precision)
            self.bank = Bank(len(composition.views), recipe.objective.bank, recipe.model.head.out).to(precision.device)
        self.sigmoid = SigmoidLoss().to(precision.device) if recipe.objective.loss == "sigmoid" else None
        self.optimiser = build_optimiser(recipe.optimiser, self.phi, *filter(None, [self.sigmoid]))
        self.scaler = precision.scaler()
        self.gradient_norm = torch.zeros((), device=precision.device)
        """Euclidean norm of the gradient of the latest step, on the device; 0 where it is not finite."""

    @property
    def epoch(self) -> float:
        """Epochs trained so far, a fraction."""
        return self.step / self.steps_per_epoch

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        return self.recipe.optimiser.lr * lr_factor(self.recipe.schedule, self.step, self.steps_per_epoch)

    @property
    def key_lifetime(self) -> int:
        """Steps for which a key stays in the bank; 0 without a bank."""
        return math.ceil(self.bank.size / self.recipe.run.batch) if self.bank else 0

    def monitored(self, step: int) -> bool:
        """Whether the monitors are due after ``step`` steps: every ``run.monitor_epochs`` epochs."""
        every = self.recipe.run.monitor_epochs * self.steps_per_epoch
        return bool(every) and step > 0 and step % every == 0

    def norm(self) -> float:
        """The Euclidean norm of all parameters of the networks."""
        return float(torch.linalg.vector_norm(torch.stack([p.detach().norm() for p in self.phi.parameters()])))

    def diverged(self) -> str:
        """Why the training has diverged, in words; "" where it has not.

        It has where a value is not finite, or where the norm of the parameters is more than ``GREATEST_GROWTH`` times
        what it was at the start.
        """
        if name := not_finite(self.state()):
            return f"{name} is not finite"
        growth = self.norm() / self.norm_at_start
        return f"the weights are {growth:.0f} times as large as at the start" if growth > GREATEST_GROWTH else ""

    @property
    def _step_seed(self) -> int:
        return self.recipe.run.seed * 1_000_003 + self.step

    def train_step(self, batch: Batch) -> tuple[NCE, dict[str, torch.Tensor]]:
        """Take one optimisation step on a batch; return the loss and the embedding std of each modality.

        The embedding std is the standard deviation over the batch, averaged over dimensions and multiplied by the root
        of their number: 1 for embeddings that cover the sphere, 0 for embeddings that have collapsed to one point.
        Nothing here waits for the device: whether the loss is finite is checked where it is logged.
        """
        set_lr(self.optimiser, *[self.lr] * len(self.optimiser.param_groups))
        recipe, recordings = self.recipe, batch.recordings
        torch.manual_seed(self._step_seed)  # dropout: a function of the step, so no generator state to save
        self.phi.train()
        views = self.views(batch)
        with self.precision.autocast():
            unit = recipe.objective.loss != "sigreg"
            embeddings = self.phi(views, self.modalities, unit)
            queries = embeddings if unit else [F.normalize(embedding, dim=1) for embedding in embeddings]
            keys, negatives = self._keys(views, queries, recordings)
            if recipe.objective.negatives_from == "modality":
                negatives = pooled_negatives(negatives, self.modalities)
        result = self._loss(embeddings, queries, keys, negatives)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(result.loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.unscale_(self.optimiser)
        self.gradient_norm = _gradient_norm(self.optimiser)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        if self.key_encoder is not None and self.bank is not None:
            self.key_encoder.update(self.phi, recipe.objective.momentum)
            self.bank.push(keys, recordings)
        self.step += 1
        return result, {
            modality: queries[self.modalities.index(modality)].detach().float().std(0).mean()
            * recipe.model.head.out**0.5
            for modality in self.phi.modalities
        }

    def _loss(
        self,
        embeddings: list[torch.Tensor],
        queries: list[torch.Tensor],
        keys: list[torch.Tensor],
        negatives: list[Negatives],
    ) -> NCE:
        """The loss of the recipe, with the accuracy and probabilities of the noise-contrastive loss."""
        objective, composition = self.recipe.objective, self.recipe.composition
        attract, repel = composition.attract, composition.repel
        with torch.set_grad_enabled(objective.loss == "nce"):
            result = contrastive_loss(
                queries, keys, negatives, attract, repel, objective.temperature, objective.pair_reduction
            )
        if self.sigmoid is not None:
            result = result._replace(loss=self.sigmoid(queries, keys, negatives, attract, repel))
        if objective.loss == "sigreg":
            directions = torch.Generator().manual_seed(self._step_seed)
            result = result._replace(loss=lejepa(embeddings, attract, objective.sigreg_weight, directions))
        return result

    def _keys(
        self, views: list[torch.Tensor], queries: list[torch.Tensor], recordings: torch.Tensor
    ) -> tuple[list[torch.Tensor], list[Negatives]]:
        if self.key_encoder is None or self.bank is None:
            keys = [query.detach() for query in queries] if self.recipe.objective.detach_keys else queries
            return keys, batch_negatives(keys, recordings)
        bank = self.bank
        shuffle = torch.Generator().manual_seed(self._step_seed)
        keys = self.key_encoder.keys(views, self.modalities, self.recipe.objective.key_groups, shuffle)
        return keys, [bank.negatives(view, recordings) for view in range(len(views))]

    def state(self) -> dict[str, Any]:
        """The state as tensors and plain data, for a checkpoint."""
        return {
            "step": self.step,
            "norm_at_start": self.norm_at_start,
            "phi": self.phi.state_dict(),
            "key_encoder": self.key_encoder.state_dict() if self.key_encoder else None,
            "bank": self.bank.state_dict() if self.bank else None,
            "sigmoid": self.sigmoid.state_dict() if self.sigmoid else None,
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": torch.get_rng_state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state` returned; the weight decay stays that of this learner's recipe."""
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
        torch.set_rng_state(state["random"])


def _gradient_norm(optimiser: torch.optim.Optimizer) -> torch.Tensor:
    """Euclidean norm of the gradient of all parameters; 0 where it is not finite, as in a step that fp16 skips."""
    parameters = (parameter for group in optimiser.param_groups for parameter in group["params"])
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return torch.nn.utils.get_total_norm(gradients).nan_to_num(0.0, 0.0)
