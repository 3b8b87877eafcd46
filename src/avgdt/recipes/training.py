"""How a run learns: the objective, the optimiser, the schedule and the running of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from avgdt.recipes.errors import RecipeError
from avgdt.recipes.limits import above, at_least, below, seed, share

AUTO = -1
"""The value of ``objective.bank`` and ``objective.momentum`` that stands for the paper's proportions."""


@dataclass(frozen=True)
class Objective:
    """Noise-contrastive learning (section 3 of the paper, equation 6), or what others take in its place."""

    loss: Literal["nce", "sigmoid", "sigreg"] = "nce"
    """The paper's loss; the sigmoid loss (SigLIP), which takes the same positives and negatives; or SIGReg (LeJEPA),
    which takes the positives alone."""
    temperature: float = 0.07
    """Divides every inner product."""
    negatives: Literal["bank", "batch"] = "bank"
    """Where negatives come from: past keys of momentum encoders (the paper), or the other recordings of the batch."""
    negatives_from: Literal["view", "modality"] = "view"
    """Which keys of other recordings are negatives: of the positive's view (the paper), or of its modality's views."""
    pair_reduction: Literal["sum", "mean"] = "sum"
    """Sum the pairs that attract (equation 6), or average them, so that the loss keeps its size whatever T (loss: nce;
    the others average)."""
    detach_keys: bool = False
    """Let only queries carry gradient where keys are their own batch's (negatives: batch); a bank's keys never do."""
    bank: int = 15000
    """Past keys kept per transformation (negatives: bank); -1: the paper's share of the recordings, 7 %."""
    momentum: float = 0.999
    """Share of the momentum encoders that stays at each step (negatives: bank); -1: they average over the paper's share
    of the training, 2.4 % of the steps."""
    key_groups: int = 2
    """Shuffled groups into which a batch of keys is split for batch norm, so that statistics do not leak."""

    sigreg_weight: float = 0.05
    """Weight of the Gaussian distribution against the invariance of views (loss: sigreg)."""

    def __post_init__(self) -> None:
        share("objective.sigreg_weight", self.sigreg_weight)
        if self.loss == "sigreg" and self.negatives == "bank":
            raise RecipeError("objective.loss: sigreg has no negatives, so no bank; add --objective.negatives batch")
        at_least("objective.temperature", self.temperature, 1e-4)
        if self.bank != AUTO:
            at_least("objective.bank", self.bank, 1)
        if self.momentum != AUTO:
            share("objective.momentum", self.momentum)
        at_least("objective.key_groups", self.key_groups, 1)


@dataclass(frozen=True)
class Optimiser:
    """How a gradient becomes a step."""

    kind: Literal["sgd", "adamw"] = "sgd"
    """Stochastic gradient descent as in the paper, or AdamW, which learns faster on few recordings."""
    lr: float = 0.01
    """Learning rate after the warm-up."""
    momentum: float = 0.9
    """SGD's momentum; AdamW's first coefficient."""
    weight_decay: float = 1e-5
    """Weight decay."""

    def __post_init__(self) -> None:
        above("optimiser.lr", self.lr, 0)
        share("optimiser.momentum", self.momentum)
        if self.kind == "adamw":
            below("optimiser.momentum", self.momentum, 1)
        at_least("optimiser.weight_decay", self.weight_decay, 0)


@dataclass(frozen=True)
class Schedule:
    """The learning rate as a function of the step."""

    epochs: int = 200
    """Passes over the recordings."""
    warmup_epochs: float = 10.0
    """Epochs over which the rate grows linearly to its full value."""
    warmup_from: float = 0.0
    """Share of the full rate at which it begins to grow."""
    shape: Literal["constant", "cosine", "step"] = "constant"
    """What follows the warm-up."""
    steps: tuple[int, ...] = ()
    """Epochs at which the rate is multiplied by step_factor (shape: step)."""
    step_factor: float = 0.1
    """What the rate is multiplied by at each of the steps."""

    def __post_init__(self) -> None:
        at_least("schedule.epochs", self.epochs, 1)
        at_least("schedule.warmup_epochs", self.warmup_epochs, 0)
        share("schedule.warmup_from", self.warmup_from)
        for i, epoch in enumerate(self.steps):
            at_least(f"schedule.steps.{i}", epoch, 1)
        above("schedule.step_factor", self.step_factor, 0)


@dataclass(frozen=True)
class Run:
    """Everything about running that is not the method."""

    batch: int = 16
    """Recordings per device and step."""
    seed: int = 0
    """Seed of all randomness."""
    workers: int = -1
    """Processes that decode; -1 chooses by the processor, 0 decodes in the loop itself."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Arithmetic of the networks; auto asks the hardware."""
    channels_last: Literal["auto", "yes", "no"] = "auto"
    """Memory format; auto takes channels-last where it wins. Networks narrower than 16 are contiguous on a CPU."""
    checkpoint_minutes: float = 10.0
    """Minutes between checkpoints, 0 after every step (one is also written at the end of the run and on Ctrl-C)."""
    checkpoints: int = 3
    """Newest checkpoints kept; older ones are there for when the newest is damaged or the training has diverged."""
    log_every: int = 1
    """Steps between two lines of metrics, each the mean over these steps."""
    monitor_epochs: int = 1
    """Epochs between measurements on held-out recordings; 0 never."""

    def __post_init__(self) -> None:
        at_least("run.batch", self.batch, 2)
        seed("run.seed", self.seed)
        at_least("run.workers", self.workers, -1)
        at_least("run.checkpoint_minutes", self.checkpoint_minutes, 0)
        at_least("run.checkpoints", self.checkpoints, 1)
        at_least("run.log_every", self.log_every, 1)
        at_least("run.monitor_epochs", self.monitor_epochs, 0)
