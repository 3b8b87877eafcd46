"""A recipe: the complete configuration of a pretraining run, as one frozen dataclass."""

from __future__ import annotations

from dataclasses import dataclass, field

from avgdt.composition.composition import Composition
from avgdt.recipes.checks import at_least, check_coherent, check_finite, share
from avgdt.recipes.clip import Clip, LogMel, Normalisation
from avgdt.recipes.model import Model
from avgdt.recipes.training import Objective, Optimiser, Run, Schedule


@dataclass(frozen=True)
class Data:
    """The recordings of a run: splits of the manifest, held-out recordings, failures and the store."""

    splits: tuple[str, ...] = ("train",)
    """Splits to train on; without a column split in the manifest, all recordings but the held-out ones are used."""
    held_out: str = "val"
    """Split of the held-out recordings, on which retrieval is measured during training."""
    held_out_at_most: int = 100
    """Largest number of held-out recordings; without a column split at most a tenth of all; 0 for none."""
    failing_at_most: float = 0.1
    """Share of the recordings that may fail to decode during training; above it the run saves its state and stops."""
    store: str = "auto"
    """Folder of decoded recordings, so that files are not decoded in every epoch: auto is store/ in the run folder, off
    decodes each clip from its file. Clips are bit-identical either way; runs may share the folder, and it may be
    deleted."""
    store_gigabytes: float = -1.0
    """Largest size of the store in GB; -1 is half of the free space. Further recordings are decoded in every epoch."""

    def __post_init__(self) -> None:
        at_least("data.store_gigabytes", self.store_gigabytes, -1)
        at_least("data.held_out_at_most", self.held_out_at_most, 0)
        share("data.failing_at_most", self.failing_at_most)


@dataclass(frozen=True)
class Recipe:
    """The complete configuration of a pretraining run."""

    title: str
    """One sentence that describes the recipe."""
    composition: Composition
    """The generalized transformation: which views exist, which attract and which repel."""
    data: Data = field(default_factory=Data)
    """The recordings."""
    clip: Clip = field(default_factory=Clip)
    """The size of clips."""
    normalisation: Normalisation = field(default_factory=Normalisation)
    """The normalisation of pixels."""
    log_mel: LogMel = field(default_factory=LogMel)
    """The log-mel spectrogram."""
    model: Model = field(default_factory=Model)
    """The networks."""
    objective: Objective = field(default_factory=Objective)
    """The contrastive loss."""
    optimiser: Optimiser = field(default_factory=Optimiser)
    """The optimiser."""
    schedule: Schedule = field(default_factory=Schedule)
    """The learning rate over time."""
    run: Run = field(default_factory=Run)
    """Batch, seed, device, checkpoints."""

    def __post_init__(self) -> None:
        check_finite(self)
        check_coherent(self)
