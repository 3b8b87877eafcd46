"""The training state: networks, momentum encoder, memory bank and optimiser."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from avgdt.models.batch_norm import synchronise
from avgdt.models.convolution_check import check_convolutions, use_float32
from avgdt.models.memory_format import set_memory_format
from avgdt.models.phi import Phi
from avgdt.models.precision import Precision
from avgdt.objective.bank import Bank
from avgdt.objective.momentum import MomentumEncoder
from avgdt.objective.sigmoid import SigmoidLoss
from avgdt.recipes.recipe import Recipe
from avgdt.training.checkpoint_file import not_finite
from avgdt.training.global_batch import group_count, parts_over
from avgdt.training.optimiser import build_optimiser, load_optimiser, lr_at
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
        self.groups = group_count(recipe)
        """Number of batch norm groups of a batch, over all ranks."""
        self.parts = parts_over(ranks, self.groups, "run.norm_group: makes", "--run.norm_group")
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
            groups = self.groups * recipe.objective.key_groups
            self.key_parts = parts_over(ranks, groups, "objective.key_groups: makes", "--objective.key-groups")
            self.key_encoder = MomentumEncoder(self.phi)
            if self.key_parts > groups:
                synchronise(self.key_encoder.phi)
            set_memory_format(self.key_encoder.phi, recipe.run.channels_last, precision)
            self.bank = Bank(len(composition.views), recipe.objective.bank, recipe.model.head.out).to(precision.device)
        if self.parts > self.groups:
            synchronise(self.phi)
        for encoder in self.phi.encoders.values():
            encoder.recompute = recipe.run.recompute  # type: ignore[assignment]
        if recipe.run.compile:
            for phi in [self.phi, *([self.key_encoder.phi] if self.key_encoder else [])]:
                for encoder in phi.encoders.values():
                    encoder.compile()
        self.normalised = recipe.objective.loss != "sigreg"
        """Whether the loss is computed on embeddings of unit norm."""
        sigmoid = recipe.objective.loss == "sigmoid"
        self.sigmoid = SigmoidLoss(recipe.objective.sigmoid_bias).to(precision.device) if sigmoid else None
        self.optimiser = build_optimiser(recipe.optimiser, self.phi, *filter(None, [self.sigmoid]))
        self.scaler = precision.scaler()
        self.unchanged = False
        """Whether the latest step failed because another rank was lost, and left the training state unchanged."""
        self.gradient_norm = torch.zeros((), device=precision.device)
        """Euclidean norm of the gradient of the latest step, on the device; 0 if it is not finite."""

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
        """Number of epochs trained so far, including the fraction of the current one."""
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
    def step_seed(self) -> int:
        """Seed of the random numbers of the next step."""
        return self.recipe.run.seed * 1_000_003 + self.step

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
        load_optimiser(self.optimiser, state["optimiser"])
        for group in self.optimiser.param_groups:
            group["weight_decay"] = self.recipe.optimiser.weight_decay
        self.scaler.load_state_dict(state["scaler"])
