"""What the protocols of sounds share: frozen features of sub-clips, beside training end to end where asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avgdt.data.benchmarks.layout import Layout
from avgdt.data.manifest import Entry
from avgdt.data.scan import scan_missing
from avgdt.evaluation.cache import FeatureCache
from avgdt.evaluation.comparison import Compared, check_modalities, compare
from avgdt.evaluation.end_to_end import Training, end_to_end_figures
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Progress, extract, one_by_one
from avgdt.evaluation.folds import Folds, check_still_there
from avgdt.evaluation.options import told_options
from avgdt.evaluation.readers import conv5_features
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.sub_clips import AUDIO, SubClips, on_sub_clips, pictures, plan_sub_clips
from avgdt.models.pretrained import PretrainedModel
from avgdt.training.recordings import default_workers


@dataclass(frozen=True)
class SoundOptions:
    """Sounds told apart by frozen features of their sub-clips; a protocol says of which sounds and by which probes."""

    clips: ClassVar[SubClips]
    """Of each sound."""
    columns: ClassVar[tuple[str, str]] = ("split", "label")
    """Of the entries: the part that a sound belongs to, and its class."""
    probes: ClassVar[int]
    """Probes of the frozen features, for the progress."""

    scratch: bool = False
    """Also train the audio encoder from random weights, end to end, as a baseline."""
    finetune: bool = False
    """Also finetune the audio encoder from the weights, end to end."""
    training_epochs: int = 60
    """Epochs of --scratch and --finetune, each of one sub-clip per sound."""
    training_rate: float = 1e-3
    """Learning rate of --scratch and --finetune (AdamW, cosine)."""
    cache: bool = True
    """Keep the features in OUT/cache for the next evaluation of the same weights."""
    seed: int = 0
    """Seed of the random weights that stand beside the pretrained ones, and of all that is trained here."""

    def layout(self, data: Path) -> Layout:
        """The sounds of the folder ``data``; raise ``DataError`` where it is unfit."""
        raise NotImplementedError

    def turns(self, segments: Sequence[Segment]) -> Folds:
        """What is fitted on and what is tested; raise :class:`EvaluationError` where there is not enough."""
        raise NotImplementedError

    def sizes(self, segments: Sequence[Segment], folds: Folds) -> dict[str, int]:
        """How much of what was measured."""
        raise NotImplementedError

    def frozen(self, features: NDArray[np.float32], folds: Folds, after: Callable[[], None]) -> dict[str, Any]:
        """The probes of (sounds, sub-clips, dim); ``after`` is called for each in each turn."""
        raise NotImplementedError

    def measure(
        self,
        model: PretrainedModel,
        random: PretrainedModel,
        data: Path,
        out: Path,
        scanned: Progress | None,
        progress: Progress,
    ) -> dict[str, Any]:
        """Measure both networks on the folder ``data``; raise ``DataError`` or :class:`EvaluationError` where unfit."""
        self.check()
        check_modalities(model, AUDIO)
        layout = self.layout(data)
        asked = self.turns(self._segments([entry for entry in layout.entries if not entry.error]))  # mistakes at once
        entries = scan_missing(layout.entries, default_workers(model.recipe.run.workers) + 1, scanned)
        model, random = on_sub_clips(model, self.clips), on_sub_clips(random, self.clips)
        plans, skipped = plan_sub_clips(model, self._segments(entries), entries, self.clips)
        check_still_there(asked, self.turns([one.segment for one in plans]))
        keep = FeatureCache(out / "cache").extract if self.cache else extract
        found = compare(
            model, random, entries, plans, skipped, AUDIO, conv5_features, progress, average=False, extract=keep
        )
        folds = self.turns(found.segments)
        check_still_there(asked, folds)
        figures = self._frozen(found, folds, progress)
        for source, one in self._trained(model, random, found, entries, folds, progress).items():
            figures[source]["end_to_end"] = one
        rows = dict.fromkeys(row for source in figures.values() for row in source)
        return {
            "options": told_options(self),
            "sizes": self.sizes(found.segments, folds),
            **found.account(),
            "unlisted": [str(path) for path in layout.unlisted],
            "classes": folds.classes,
            "dimensions": found.pretrained["audio"].shape[2],
            **figures,
            "chance": {row: {"accuracy": 1 / len(folds.classes)} for row in rows},
        }

    def check(self) -> None:
        """Raise :class:`EvaluationError` for an option out of bounds."""
        if self.training_epochs < 1:
            raise EvaluationError(f"training_epochs: {self.training_epochs} is too few; use 1 or more")
        if self.training_rate <= 0:
            raise EvaluationError(f"training_rate: {self.training_rate:g} is too small; use more than 0")

    def _segments(self, entries: Sequence[Entry]) -> list[Segment]:
        part, label = self.columns
        return [Segment(i, entry.extra[part], entry.extra[label]) for i, entry in enumerate(entries)]

    def _frozen(self, found: Compared, folds: Folds, progress: Progress) -> dict[str, dict[str, Any]]:
        after = one_by_one(progress, 2 * self.probes * len(folds.turns))
        sources = {"pretrained": found.pretrained["audio"], "random": found.random["audio"]}
        return {name: self.frozen(x, folds, after) for name, x in sources.items()}

    def _trained(
        self,
        model: PretrainedModel,
        random: PretrainedModel,
        found: Compared,
        entries: Sequence[Entry],
        folds: Folds,
        progress: Progress,
    ) -> dict[str, dict[str, Any]]:
        """End to end from the weights (finetuned) and from random ones (scratch), where asked for."""
        asked = {"pretrained": (self.finetune, model), "random": (self.scratch, random)}
        chosen = {name: model for name, (wanted, model) in asked.items() if wanted}
        if not chosen:
            return {}
        shown = pictures(model, found.segments, entries, self.clips, progress)
        training = Training(self.training_epochs, self.training_rate, self.seed)
        after = one_by_one(progress, len(chosen) * len(folds.turns) * self.training_epochs)
        return {
            name: end_to_end_figures(model.phi.encoders["audio"], shown, folds, training, model.precision, after)
            for name, model in chosen.items()
        }
