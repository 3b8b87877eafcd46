"""The k-NN probe: votes of the nearest training recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from avgdt.data.manifest import Entry
from avgdt.evaluation.features import Progress
from avgdt.evaluation.probes import knn_probe
from avgdt.evaluation.protocols.probing import ProbeOptions, run_probe
from avgdt.models.pretrained import PretrainedModel


@dataclass(frozen=True)
class Knn(ProbeOptions):
    """Vote of the k nearest by cosine of frozen, standardised features; k is chosen on the validation split."""

    protocol: ClassVar[str] = "knn"

    def run(
        self, model: PretrainedModel, random: PretrainedModel, entries: Sequence[Entry], progress: Progress
    ) -> dict[str, Any]:
        """Probe ``model`` and, beside it, ``random``; raise :class:`EvaluationError` for unfit data."""
        return run_probe(knn_probe, "k", self, model, random, entries, progress)
