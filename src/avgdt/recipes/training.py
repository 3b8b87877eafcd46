"""Configuration of training: objective, optimiser, schedule, and settings of a run outside the method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from avgdt.recipes.checks import above, at_least, below, fraction, seed
from avgdt.recipes.errors import RecipeError

AUTO = -1
"""Value of ``objective.bank`` and ``objective.momentum`` with which they are derived from the numbers of recordings and
steps, in the paper's proportions."""


@dataclass(frozen=True)
class Objective:
    """Loss over the views of a batch: the paper's contrastive loss (section 3, equation 6) or an alternative loss."""

    loss: Literal["nce", "sigmoid", "sigreg"] = "nce"
    """Loss function: nce is the loss of the paper, sigmoid the loss of SigLIP on the same positives and negatives, and
    sigreg the loss of LeJEPA, which uses no negatives."""
    temperature: float = 0.07
    """Temperature tau, by which every inner product of two embeddings is divided."""
    negatives: Literal["bank", "batch"] = "bank"
    """Source of negatives: bank uses past keys of the momentum encoders (the paper), and batch uses the other
    recordings of the batch."""
    negatives_from: Literal["view", "modality"] = "view"
    """Negatives from other recordings: view uses the keys of the positive's view (the paper), and modality uses the
    keys of all views of its modality."""
    pair_reduction: Literal["sum", "mean"] = "sum"
    """Reduction of the loss over attracting pairs of views: sum (equation 6), or mean, whose scale does not depend on
    the number of views (loss: nce; other losses use the mean)."""
    detach_keys: bool = False
    """Whether to stop the gradient at the keys (negatives: batch); keys of a bank never have a gradient."""
    bank: int = 15000
    """Number of past keys per view in the memory bank (negatives: bank); -1 uses the paper's fraction, 7 % of the
    recordings."""
    momentum: float = 0.999
    """Momentum of the momentum encoders per step (negatives: bank); -1 averages over the paper's fraction, 2.4 % of the
    steps."""
    key_groups: int = 2
    """Number of shuffled groups of keys per batch norm group, so that batch norm statistics do not reveal the positive
    (negatives: bank)."""
    sigmoid_bias: float = -10.0
    """Initial value of the trained bias of the logits (loss: sigmoid). SigLIP's -10 suits batches of thousands; the
    negative logarithm of the number of negatives suits any batch."""
    sigreg_weight: float = 0.05
    """Weight of the Gaussian regularisation relative to the invariance of views (loss: sigreg)."""

    def __post_init__(self) -> None:
        fraction("objective.sigreg_weight", self.sigreg_weight)
        if self.loss == "sigreg" and self.negatives == "bank":
            raise RecipeError("objective.loss: sigreg uses no negatives and no bank; add --objective.negatives batch")
        at_least("objective.temperature", self.temperature, 1e-4)
        if self.bank != AUTO:
            at_least("objective.bank", self.bank, 1)
        if self.momentum != AUTO:
            fraction("objective.momentum", self.momentum)
        at_least("objective.key_groups", self.key_groups, 1)


@dataclass(frozen=True)
class Optimiser:
    """Optimiser of the networks."""

    kind: Literal["sgd", "adamw"] = "sgd"
    """Kind of optimiser: sgd as in the paper, or adamw, which converges faster on few recordings."""
    lr: float = 0.01
    """Learning rate after the warm-up."""
    momentum: float = 0.9
    """Momentum of SGD; first coefficient (beta 1) of AdamW."""
    weight_decay: float = 1e-5
    """Weight decay coefficient."""
    clip_norm: float = 0.0
    """Maximum norm of the gradient of all parameters; larger gradients are scaled down to it. 0 disables clipping."""

    def __post_init__(self) -> None:
        above("optimiser.lr", self.lr, 0)
        fraction("optimiser.momentum", self.momentum)
        if self.kind == "adamw":
            below("optimiser.momentum", self.momentum, 1)
        at_least("optimiser.weight_decay", self.weight_decay, 0)
        at_least("optimiser.clip_norm", self.clip_norm, 0)


@dataclass(frozen=True)
class Schedule:
    """Learning rate as a function of the step."""

    epochs: int = 200
    """Number of passes over the recordings."""
    warmup_epochs: float = 10.0
    """Number of epochs of linear warm-up of the learning rate."""
    warmup_from: float = 0.0
    """Learning rate at the start of the warm-up, as a fraction of optimiser.lr."""
    shape: Literal["constant", "cosine", "step"] = "constant"
    """Shape of the schedule after the warm-up: constant, cosine (decays to 0), or step (reduced at steps)."""
    steps: tuple[int, ...] = ()
    """Epochs at which the learning rate is multiplied by step_factor (shape: step)."""
    step_factor: float = 0.1
    """Factor by which the learning rate is multiplied at each epoch in steps (shape: step)."""

    def __post_init__(self) -> None:
        at_least("schedule.epochs", self.epochs, 1)
        at_least("schedule.warmup_epochs", self.warmup_epochs, 0)
        fraction("schedule.warmup_from", self.warmup_from)
        for i, epoch in enumerate(self.steps):
            at_least(f"schedule.steps.{i}", epoch, 1)
        above("schedule.step_factor", self.step_factor, 0)


@dataclass(frozen=True)
class Run:
    """Settings of a run that are not part of the method: batch, seed, device, precision, checkpoints."""

    batch: int = 16
    """Number of recordings per step, over all devices."""
    norm_group: int = 0
    """Number of recordings that share batch norm statistics; 0 for the whole batch. Groups are distributed over the
    devices and processed sequentially; if there is one group, batch norm is synchronised across devices."""
    lr_batch: int = 0
    """Batch size for which optimiser.lr is given; for another run.batch, the learning rate is scaled linearly. 0
    disables scaling."""
    seed: int = 0
    """Seed of all random numbers."""
    workers: int = -1
    """Number of decoding processes; -1 derives it from the number of cores, 0 decodes in the training process."""
    device: str = "auto"
    """Device of the networks: auto, cpu, cuda or cuda:N."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Floating-point precision of the networks; auto selects it according to the hardware."""
    channels_last: Literal["auto", "yes", "no"] = "auto"
    """Channels-last memory format; auto uses it if it is faster. On a CPU, networks narrower than 16 channels never use
    it."""
    recompute: bool = False
    """Whether to recompute activations in the backward pass, which saves memory but adds a forward pass."""
    compile: bool = False
    """Whether to compile the networks with torch.compile, which takes minutes and, on a CPU, needs a compiler."""
    checkpoint_minutes: float = 10.0
    """Minutes between checkpoints; 0 writes one after every step. A checkpoint is also written at the end and on
    Ctrl-C."""
    checkpoints: int = 3
    """Number of checkpoints on disk; an older one is used if the newest is damaged or the run has diverged."""
    log_every: int = 1
    """Number of steps per line of metrics; each line contains the means over these steps."""
    monitor_epochs: int = 1
    """Number of epochs between measurements on held-out recordings; 0 for none."""

    def __post_init__(self) -> None:
        at_least("run.batch", self.batch, 2)
        if self.norm_group:
            at_least("run.norm_group", self.norm_group, 2)
        at_least("run.lr_batch", self.lr_batch, 0)
        seed("run.seed", self.seed)
        at_least("run.workers", self.workers, -1)
        at_least("run.checkpoint_minutes", self.checkpoint_minutes, 0)
        at_least("run.checkpoints", self.checkpoints, 1)
        at_least("run.log_every", self.log_every, 1)
        at_least("run.monitor_epochs", self.monitor_epochs, 0)
