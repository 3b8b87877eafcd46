"""Recipe of a pretraining run: its complete configuration as one frozen dataclass."""

from __future__ import annotations

from dataclasses import dataclass, field

from avgdt.composition.composition import Composition
from avgdt.recipes.checks import at_least, check_coherent, check_finite, fraction
from avgdt.recipes.clip import Clip, LogMel, Normalisation
from avgdt.recipes.model import Model
from avgdt.recipes.training import Objective, Optimiser, Run, Schedule


@dataclass(frozen=True)
class Data:
    """Recordings of a run: splits of the manifest, held-out recordings, decoding failures and the store."""

    splits: tuple[str, ...] = ("train",)
    """Splits to train on; if the manifest has no `split` column, all recordings except the held-out ones are used."""
    held_out: str = "val"
    """Split of the held-out recordings, on which retrieval is measured during training."""
    held_out_at_most: int = 100
    """Maximum number of held-out recordings; 0 for none. If the manifest has no `split` column, at most 10 % of the
    recordings are held out."""
    failing_at_most: float = 0.1
    """Maximum fraction of recordings that may fail to decode; if more fail, the run saves its state and stops."""
    store: str = "auto"
    """Folder for decoded recordings, which need not be decoded again in every epoch; auto uses store/ in the run
    folder, and off decodes each clip from its file. Clips are bit-identical in either case. Several runs may use the
    same folder, and it may be deleted."""
    store_gigabytes: float = -1.0
    """Maximum size of the store in GB; -1 allows half of the free space. Recordings that do not fit are decoded in
    every epoch."""

    def __post_init__(self) -> None:
        at_least("data.store_gigabytes", self.store_gigabytes, -1)
        at_least("data.held_out_at_most", self.held_out_at_most, 0)
        fraction("data.failing_at_most", self.failing_at_most)


@dataclass(frozen=True)
class Recipe:
    """Complete configuration of a pretraining run."""

    title: str
    """Description of the recipe in one sentence."""
    composition: Composition
    """Generalized transformation: which views exist, and which of them attract or repel each other."""
    data: Data = field(default_factory=Data)
    """Recordings of the run."""
    clip: Clip = field(default_factory=Clip)
    """Size of clips."""
    normalisation: Normalisation = field(default_factory=Normalisation)
    """Normalisation of pixels."""
    log_mel: LogMel = field(default_factory=LogMel)
    """Log-mel spectrogram."""
    model: Model = field(default_factory=Model)
    """Sizes of the networks."""
    objective: Objective = field(default_factory=Objective)
    """Loss over the views of a batch."""
    optimiser: Optimiser = field(default_factory=Optimiser)
    """Optimiser of the networks."""
    schedule: Schedule = field(default_factory=Schedule)
    """Learning rate schedule."""
    run: Run = field(default_factory=Run)
    """Batch, seed, device and checkpoints."""

    def __post_init__(self) -> None:
        check_finite(self)
        check_coherent(self)
