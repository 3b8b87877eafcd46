"""What the protocols on recordings of any kind share: how they come by them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avgdt.data.manifest import Entry
from avgdt.data.scan import Counts
from avgdt.data.selection import list_recordings
from avgdt.evaluation.features import Progress
from avgdt.models.pretrained import PretrainedModel
from avgdt.training.recordings import default_workers


class OnRecordings(ABC):
    """A protocol whose data is a manifest or a folder."""

    @abstractmethod
    def run(
        self, model: PretrainedModel, random: PretrainedModel, entries: Sequence[Entry], progress: Progress
    ) -> dict[str, Any]:
        """Measure both networks on the same recordings."""

    def measure(
        self,
        model: PretrainedModel,
        random: PretrainedModel,
        data: Path,
        out: Path,
        scanned: Progress | None,
        progress: Progress,
    ) -> dict[str, Any]:
        """Inspect the files of ``data``, then call :meth:`run` on their entries."""
        notes = list[str]()
        workers = default_workers(model.recipe.run.workers) + 1
        entries = list_recordings(data, workers, scanned, on_counts=lambda counts: notes.extend(changed_files(counts)))
        result = self.run(model, random, entries, progress)
        return {**result, "notes": [*notes, *result.get("notes", ())]}


def changed_files(counts: Counts) -> list[str]:
    """A note where files are not those that their manifest tells of."""
    return [f"some files are not those that the manifest tells of: {counts}"] if counts.changed else []
