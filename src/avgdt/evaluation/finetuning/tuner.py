"""One step of supervised learning: encoder, linear layer and optimiser as one object."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from avgdt.composition.factors import ModalityName
from avgdt.evaluation.linear_layer import fresh_layer, orthogonal_layer
from avgdt.models.phi import Phi
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.finetuning import Finetuning
from avgdt.training.optimiser import build_optimiser, set_rates
from avgdt.training.schedule import rate_factor


class Tuned(nn.Module):
    """The networks of one modality and a linear layer on their pooled features."""

    def __init__(
        self, phi: Phi, modality: ModalityName, classes: int, orthogonal: bool, draws: torch.Generator
    ) -> None:
        """Copy ``phi``, which stays as it is; the layer, ``orthogonal`` or uniform, is drawn from ``draws``."""
        super().__init__()
        self.modality = modality
        self.phi = copy.deepcopy(phi)
        self.phi.requires_grad_(False)
        self.phi.encoders[modality].requires_grad_(True)
        layer = (orthogonal_layer if orthogonal else fresh_layer)(phi.dims[modality], classes, draws)
        self.layer = layer.to(next(phi.parameters()).device)

    def forward(self, view: torch.Tensor) -> torch.Tensor:
        """A batch of views of the modality -> logits (batch, classes)."""
        return self.layer(self.phi.features(self.modality, view))


class Tuner:
    """A state of finetuning: all that is needed to go on bit for bit."""

    def __init__(
        self,
        model: PretrainedModel,
        modality: ModalityName,
        classes: int,
        finetuning: Finetuning,
        steps_per_epoch: int,
        seed: int,
    ) -> None:
        self.finetuning = finetuning
        self.steps_per_epoch = steps_per_epoch
        self.precision = model.precision
        self.step = 0
        draws = torch.Generator().manual_seed(seed)
        self.network = Tuned(model.phi, modality, classes, finetuning.orthogonal, draws)
        self.optimiser = build_optimiser(finetuning.optimiser, self.network.phi, self.network.layer)
        self.scaler = self.precision.scaler()

    def learn(self, view: torch.Tensor, targets: torch.Tensor) -> float:
        """One step on a batch of views with targets (batch,); the cross-entropy."""
        factor = rate_factor(self.finetuning.schedule, self.step, self.steps_per_epoch)
        rate = self.finetuning.optimiser.lr * factor
        set_rates(self.optimiser, self.finetuning.encoder_lr * rate, rate)
        self.network.train()
        with self.precision.autocast():
            logits = self.network(view)
        loss = F.cross_entropy(logits.float(), targets)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.step += 1
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        """The step, the networks, the optimiser and the scaler."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from ``state``."""
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
