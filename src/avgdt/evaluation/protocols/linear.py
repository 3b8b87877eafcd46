"""The linear probe: logistic regression on frozen features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from avgdt.data.manifest import Entry
from avgdt.evaluation.features import Progress
from avgdt.evaluation.probes import linear_probe
from avgdt.evaluation.protocols.probing import ProbeOptions, run_probe
from avgdt.models.pretrained import PretrainedModel


@dataclass(frozen=True)
class Linear(ProbeOptions):
    """Logistic regression on frozen, standardised features; its C is chosen on the validation split."""

    protocol: ClassVar[str] = "linear"

    def run(
        self, model: PretrainedModel, random: PretrainedModel, entries: Sequence[Entry], progress: Progress
    ) -> dict[str, Any]:
        """Probe ``model`` and, beside it, ``random``; raise :class:`EvaluationError` for unfit data."""
        return run_probe(linear_probe, "C", self, model, random, entries, progress)
