"""What ESC-10 and ESC-50 share: the paper's protocol of frozen features, fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from avgdt.data.esc50 import read_layout
from avgdt.evaluation.cache import FeatureCache
from avgdt.evaluation.comparison import Compared, check_modalities, compare
from avgdt.evaluation.end_to_end import Training, end_to_end_figures
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Progress, extract, one_by_one
from avgdt.evaluation.folds import Folds, make_folds
from avgdt.evaluation.frozen import frozen_figures
from avgdt.evaluation.readers import conv5_features
from avgdt.evaluation.segments import Segment
from avgdt.evaluation.sub_clips import AUDIO, on_sub_clips, pictures, plan_sub_clips
from avgdt.evaluation.subject import Subject
from avgdt.media.manifest import Entry
from avgdt.media.scan import scan_missing
from avgdt.training.pretrain import default_workers


@dataclass(frozen=True)
class EscOptions:
    """Sounds told apart by frozen features of ten 2-second sub-clips, in folds."""

    esc10: ClassVar[bool]
    """Whether ten of the classes are all."""

    epochs: int = 100
    """Passes of the linear layer over the training folds; 0 chooses from 10 to 400 on a training fold."""
    folds: tuple[int, ...] = (1, 2, 3, 4, 5)
    """Folds that are tested in turn, each with the others to train on: three or more."""
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

    def measure(
        self, model: Subject, random: Subject, data: Path, out: Path, scanned: Progress | None, progress: Progress
    ) -> dict[str, Any]:
        """Measure both networks on the folder ``data``; raise ``DataError`` or :class:`EvaluationError` where unfit."""
        self._check()
        check_modalities(model, AUDIO)
        layout = read_layout(data, self.esc10)
        names = [str(fold) for fold in self.folds]
        listed = [entry for entry in layout.entries if entry.extra["fold"] in names]
        make_folds(_segments([entry for entry in listed if not entry.error]), names)  # mistakes are told at once
        entries = scan_missing(listed, default_workers(model.recipe.run.workers) + 1, scanned)
        model, random = on_sub_clips(model), on_sub_clips(random)
        plans, skipped = plan_sub_clips(model, _segments(entries), entries)
        make_folds([one.segment for one in plans], names)
        keep = FeatureCache(out / "cache").extract if self.cache else extract
        found = compare(
            model, random, entries, plans, skipped, AUDIO, conv5_features, progress, average=False, extract=keep
        )
        folds = make_folds(found.segments, names)
        figures = self._frozen(found, folds, progress)
        for source, one in self._trained(model, random, found, entries, folds, progress).items():
            figures[source]["end_to_end"] = one
        rows = dict.fromkeys(row for source in figures.values() for row in source)
        return {
            "options": {**asdict(self), "folds": list(self.folds)},
            "sizes": {"sounds": len(found.segments), "classes": len(folds.classes), "folds": len(names)},
            **found.account(),
            "unlisted": [str(path) for path in layout.unlisted],
            "classes": folds.classes,
            "dimensions": found.pretrained["audio"].shape[2],
            **figures,
            "chance": {row: {"accuracy": 1 / len(folds.classes)} for row in rows},
        }

    def _check(self) -> None:
        for name, least in (("epochs", 0), ("training_epochs", 1)):
            if getattr(self, name) < least:
                raise EvaluationError(f"{name}: {getattr(self, name)} is too few; use {least} or more")
        if self.training_rate <= 0:
            raise EvaluationError(f"training_rate: {self.training_rate:g} is too small; use more than 0")

    def _frozen(self, found: Compared, folds: Folds, progress: Progress) -> dict[str, dict[str, Any]]:
        after = one_by_one(progress, 2 * 3 * len(folds.turns))
        sources = {"pretrained": found.pretrained["audio"], "random": found.random["audio"]}
        return {name: frozen_figures(x, folds, self.epochs, self.seed, after) for name, x in sources.items()}

    def _trained(
        self,
        model: Subject,
        random: Subject,
        found: Compared,
        entries: Sequence[Entry],
        folds: Folds,
        progress: Progress,
    ) -> dict[str, dict[str, Any]]:
        """End to end from the weights (finetuned) and from random ones (scratch), where asked for."""
        asked = {"pretrained": (self.finetune, model), "random": (self.scratch, random)}
        chosen = {name: subject for name, (wanted, subject) in asked.items() if wanted}
        if not chosen:
            return {}
        shown = pictures(model, found.segments, entries, progress)
        training = Training(self.training_epochs, self.training_rate, self.seed)
        after = one_by_one(progress, len(chosen) * len(folds.turns) * self.training_epochs)
        return {
            name: end_to_end_figures(subject.phi.encoders["audio"], shown, folds, training, subject.precision, after)
            for name, subject in chosen.items()
        }


def _segments(entries: Sequence[Entry]) -> list[Segment]:
    return [Segment(i, entry.extra["fold"], entry.extra["category"]) for i, entry in enumerate(entries)]
