"""The pretrained model compared with the same networks with random weights on the same recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.data.scan import Counts, scan_missing
from avgdt.data.selection import Skipped, list_recordings
from avgdt.evaluation.cache import FeatureCache, FoldCache
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Progress, Reader, Vectors, extract
from avgdt.evaluation.folds import Fold, Folds
from avgdt.evaluation.metrics import FoldScore, fold_figures
from avgdt.evaluation.plans import Plan, count_padded
from avgdt.evaluation.results import figures_line, plain_skipped
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel
from avgdt.processes import default_workers


@dataclass(frozen=True)
class Features:
    """The vectors of both models for the same segments."""

    segments: list[Segment]
    """The segments that could be read, one for each row of the vectors."""
    pretrained: Vectors
    random: Vectors
    skipped: list[Skipped]
    """The recordings that were not read, and the reasons."""
    padded: int
    """Number of ``segments`` whose recording is shorter than a clip and padded with its last frame and silence."""

    def account(self) -> dict[str, Any]:
        """The padded and the skipped recordings, for a result."""
        return {"padded": self.padded, "skipped": plain_skipped(self.skipped)}


@dataclass(frozen=True)
class Comparison:
    """The input of a protocol: a pretrained model, the same networks with random weights, and data."""

    pretrained: PretrainedModel
    random: PretrainedModel
    data: Path
    """A folder or a manifest; for a benchmark, its folder as distributed."""
    out: Path
    """The folder of the results, of cached features and of states of finetuning."""
    scanned: Progress | None = None
    """Called with (files inspected, files in total)."""
    progress: Progress = lambda done, total: None
    """Called with (steps done, steps in total) of the current stage."""
    finished: Callable[[str], None] = lambda line: None
    """Called with a line of figures for every fold, split or repetition that is finished."""

    @property
    def models(self) -> dict[str, PretrainedModel]:
        """Both models, by their keys in a result."""
        return {"pretrained": self.pretrained, "random": self.random}

    @property
    def workers(self) -> int:
        """Number of decoding processes."""
        return default_workers(self.pretrained.recipe.run.workers)

    def check_modalities(self, modalities: Sequence[str]) -> None:
        """Raise :class:`EvaluationError` for a modality for which the models have no network."""
        available = self.pretrained.phi.modalities
        for modality in modalities:
            if modality not in available:
                raise EvaluationError(
                    f"modality: these weights take {' and '.join(available)}, not {modality}; use weights that do"
                )

    def recordings(self) -> tuple[list[Entry], list[str]]:
        """The recordings of ``data``, a folder or a manifest, inspected; and notes for the result."""
        notes = list[str]()

        def on_counts(counts: Counts) -> None:
            if counts.changed:
                notes.append(f"some files have changed since the manifest was written: {counts}")

        return list_recordings(self.data, self.workers + 1, self.scanned, on_counts=on_counts), notes

    def inspected(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries of a benchmark after their files are inspected."""
        return scan_missing(entries, self.workers + 1, self.scanned)

    def with_models(self, change: Callable[[PretrainedModel], PretrainedModel]) -> Comparison:
        """The same comparison of both models after ``change``."""
        return replace(self, pretrained=change(self.pretrained), random=change(self.random))

    def features(
        self,
        entries: Sequence[Entry],
        plans: Sequence[Plan],
        skipped: Sequence[Skipped],
        modalities: tuple[ModalityName, ...],
        read: Reader,
        *,
        average: bool = True,
        cache: bool = False,
    ) -> Features:
        """The vectors of all plans from both models in one pass; recordings that cannot be read join ``skipped``.

        With ``cache`` they are stored in ``out/cache``. Raises :class:`EvaluationError` where no recording remains.
        """
        _check_any(plans, skipped)
        extracting = FeatureCache(self.out / "cache").extract if cache else extract
        extraction = extracting(
            (self.pretrained, self.random),
            entries,
            plans,
            modalities,
            read,
            workers=self.workers,
            average=average,
            progress=self.progress,
        )
        failed = [Skipped(entries[plans[i].segment.entry].path, why) for i, why in extraction.failures.items()]
        skipped = [*skipped, *failed]
        _check_any(extraction.read, skipped)
        segments = [plans[i].segment for i in extraction.read]
        padded = count_padded(segments, entries, self.pretrained.recipe.clip, modalities)
        pretrained, random = extraction.vectors
        return Features(segments, pretrained, random, skipped, padded)

    def report(self, source: str, row: str, part: str, figures: Mapping[str, Any]) -> None:
        """Report a finished fold, split or repetition ``part`` of the row ``row`` of ``source`` in one line."""
        self.finished(figures_line(source, row, part, figures))

    def fold_figures(
        self,
        source: str,
        row: str,
        folds: Folds,
        test: Callable[[Fold], FoldScore],
        after: Callable[[], None] = lambda: None,
        context: object = None,
    ) -> dict[str, Any]:
        """As :func:`avgdt.evaluation.metrics.fold_figures`, and every finished fold is reported.

        With ``context``, plain data that decides the scores apart from the folds, finished folds are stored in
        ``out/cache`` and taken from there. ``source`` and ``row`` name the weights and the row in the result.
        """
        cache, targets = FoldCache(self.out / "cache"), folds.targets.tolist()

        def stored(fold: Fold) -> FoldScore:
            if context is None:
                return test(fold)
            rows = [part.tolist() for part in (fold.train, fold.val, fold.test)]
            return cache.score([row, context, fold.name, rows, targets, folds.classes], lambda: test(fold))

        def reported(fold: Fold) -> FoldScore:
            tested = stored(fold)
            self.report(source, row, f"fold {fold.name}", {"accuracy": tested.score.accuracy, **tested.details})
            return tested

        return fold_figures(folds, reported, after)


def _check_any(usable: Sequence[object], skipped: Sequence[Skipped]) -> None:
    if not usable:
        reason, count = Counter(one.reason for one in skipped).most_common(1)[0] if skipped else ("there are none", 0)
        raise EvaluationError(f"data: no recording can be evaluated; {count} of {len(skipped)}: {reason}")
