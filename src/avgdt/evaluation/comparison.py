"""Comparison of a pretrained model with randomly initialised networks of the same architecture."""

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
from avgdt.evaluation.metrics import FoldScore, fold_metrics
from avgdt.evaluation.plans import Plan, count_padded
from avgdt.evaluation.results import metrics_line, plain_skipped
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel
from avgdt.processes import default_workers


@dataclass(frozen=True)
class Features:
    """Vectors of the same segments, computed by the pretrained and by the random model."""

    segments: list[Segment]
    """Segments that could be read, one for each row of the vectors."""
    pretrained: Vectors
    random: Vectors
    skipped: list[Skipped]
    """Recordings that could not be used, with the reasons."""
    padded: int
    """Number of segments whose recording is shorter than a clip, and therefore padded with its last frame and
    silence."""

    def account(self) -> dict[str, Any]:
        """Return the number of padded segments and the list of skipped recordings as entries of a result."""
        return {"padded": self.padded, "skipped": plain_skipped(self.skipped)}


@dataclass(frozen=True)
class Comparison:
    """Input of a protocol: a pretrained model, the same networks with random weights, data and callbacks."""

    pretrained: PretrainedModel
    random: PretrainedModel
    data: Path
    """Folder or manifest of the recordings; for a benchmark, its folder as distributed."""
    out: Path
    """Folder of the results, the cached features and the training states of finetuning."""
    on_scan: Progress | None = None
    """Callback with the arguments (files inspected, files in total)."""
    progress: Progress = lambda done, total: None
    """Callback with the arguments (steps done, steps in total) of the current stage."""
    on_result: Callable[[str], None] = lambda line: None
    """Callback with a line of metrics, called after every fold, split or repetition."""

    @property
    def models(self) -> dict[str, PretrainedModel]:
        """The pretrained and the random model, by their names in a result."""
        return {"pretrained": self.pretrained, "random": self.random}

    @property
    def workers(self) -> int:
        """Number of worker processes for decoding."""
        return default_workers(self.pretrained.recipe.run.workers)

    def check_modalities(self, modalities: Sequence[str]) -> None:
        """Raise :class:`EvaluationError` if the models lack a network for one of ``modalities``."""
        available = self.pretrained.phi.modalities
        for modality in modalities:
            if modality not in available:
                raise EvaluationError(
                    f"modality: these weights have networks for {' and '.join(available)}, not for {modality}; "
                    "use other weights"
                )

    def recordings(self) -> tuple[list[Entry], list[str]]:
        """Inspect the recordings of ``data`` (a folder or a manifest); return them with notes for the result.

        As in :meth:`inspected`, the results of inspections are kept in ``out/cache`` for later evaluations.
        """
        notes = list[str]()

        def on_counts(counts: Counts) -> None:
            if counts.changed:
                notes.append(f"some files have changed since they were last inspected: {counts}")

        workers, cache = self.workers + 1, self._inspections
        return list_recordings(self.data, workers, self.on_scan, partial=cache, on_counts=on_counts), notes

    def inspected(self, entries: Sequence[Entry]) -> list[Entry]:
        """Inspect the files of a benchmark's entries; return the entries completed with the files' properties."""
        return scan_missing(entries, self.workers + 1, self.on_scan, partial=self._inspections)

    @property
    def _inspections(self) -> Path:
        return self.out / "cache" / "inspected.csv"

    def with_models(self, change: Callable[[PretrainedModel], PretrainedModel]) -> Comparison:
        """Return a copy of the comparison in which ``change`` is applied to the pretrained and to the random model."""
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
        """Compute the vectors of all plans with the pretrained and the random model in one pass over the recordings.

        ``Features.skipped`` of the result contains ``skipped`` and all recordings that cannot be read. If ``cache``
        is True, the vectors are stored in ``out/cache``. Raises :class:`EvaluationError` if no recording remains.
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

    def report(self, source: str, row: str, part: str, metrics: Mapping[str, Any]) -> None:
        """Pass the metrics of a fold, split or repetition to ``on_result`` as one line of text.

        ``source`` is the name of the weights, ``row`` is the name of the row in a result, and ``part`` is the name of
        the fold, split or repetition.
        """
        self.on_result(metrics_line(source, row, part, metrics))

    def fold_metrics(
        self,
        source: str,
        row: str,
        folds: Folds,
        test: Callable[[Fold], FoldScore],
        after: Callable[[], None] = lambda: None,
        context: object = None,
    ) -> dict[str, Any]:
        """Evaluate every fold with ``test``, report its metrics, and return the combined metrics for a result.

        For the metrics, see :func:`avgdt.evaluation.metrics.fold_metrics`. ``source`` and ``row`` name the weights and
        the row of the result. If ``context`` is given, the scores of finished folds are cached in ``out/cache``.
        ``context`` is plain data that, together with the folds, determines the scores.
        """
        cache, targets = FoldCache(self.out / "cache"), folds.targets.tolist()

        def stored(fold: Fold) -> FoldScore:
            if context is None:
                return test(fold)
            rows = [part.tolist() for part in (fold.train, fold.val, fold.test)]
            return cache.score([row, context, fold.name, rows, targets, folds.classes], lambda: test(fold))

        def reported(fold: Fold) -> FoldScore:
            fold_score = stored(fold)
            self.report(source, row, f"fold {fold.name}", {"accuracy": fold_score.score.accuracy, **fold_score.details})
            return fold_score

        return fold_metrics(folds, reported, after)


def _check_any(usable: Sequence[object], skipped: Sequence[Skipped]) -> None:
    if not usable and not skipped:
        raise EvaluationError("data: contains no recording to evaluate; use another folder or manifest")
    if not usable:
        reason, count = Counter(file.reason for file in skipped).most_common(1)[0]
        raise EvaluationError(f"data: no recording can be evaluated; reason for {count} of {len(skipped)}: {reason}")
