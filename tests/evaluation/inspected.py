"""Comparisons of recordings that are already inspected, for tests of protocols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from avgdt.data.manifest import Entry
from avgdt.evaluation.comparison import Comparison
from avgdt.models.pretrained import PretrainedModel


@dataclass(frozen=True)
class Inspected(Comparison):
    """Comparison over ``entries`` whose files are not inspected again."""

    entries: Sequence[Entry] = field(default_factory=tuple)

    def recordings(self) -> tuple[list[Entry], list[str]]:
        """Return the entries, without notes."""
        return list(self.entries), []


def inspected(
    model: PretrainedModel,
    random: PretrainedModel,
    entries: Sequence[Entry] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Inspected:
    """Return the comparison of two models over ``entries``."""
    return Inspected(model, random, Path("data.csv"), Path("out"), progress=progress, entries=entries)
