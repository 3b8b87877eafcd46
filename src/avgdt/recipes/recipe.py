"""A recipe: all that a run is, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field

from avgdt.composition.composition import Composition
from avgdt.recipes.clip import Clip, LogMel, Normalisation
from avgdt.recipes.coherence import check_coherent
from avgdt.recipes.data import Data
from avgdt.recipes.finite import check_finite
from avgdt.recipes.model import Model
from avgdt.recipes.training import Objective, Optimiser, Run, Schedule


@dataclass(frozen=True)
class Recipe:
    """What a pretraining run is."""

    title: str
    """One sentence in plain words."""
    composition: Composition
    """The generalized transformation: which views exist, which attract and which repel."""
    data: Data = field(default_factory=Data)
    """Which recordings."""
    clip: Clip = field(default_factory=Clip)
    """The time windows."""
    normalisation: Normalisation = field(default_factory=Normalisation)
    """The pixels."""
    log_mel: LogMel = field(default_factory=LogMel)
    """The spectrogram."""
    model: Model = field(default_factory=Model)
    """The networks."""
    objective: Objective = field(default_factory=Objective)
    """The contrastive loss."""
    optimiser: Optimiser = field(default_factory=Optimiser)
    """The optimiser."""
    schedule: Schedule = field(default_factory=Schedule)
    """The learning rate over time."""
    run: Run = field(default_factory=Run)
    """Batch, seed, devices."""

    def __post_init__(self) -> None:
        check_finite(self)
        check_coherent(self)
