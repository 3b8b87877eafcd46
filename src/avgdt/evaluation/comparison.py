"""Pretrained and random weights over the same recordings: what every protocol starts with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from avgdt.composition.factors import ModalityName
from avgdt.data.manifest import Entry
from avgdt.data.windows import common_span
from avgdt.evaluation.errors import EvaluationError
from avgdt.evaluation.features import Extract, Progress, Vectors, extract
from avgdt.evaluation.plans import Plan, Skipped, span_of
from avgdt.evaluation.readers import Reader
from avgdt.evaluation.segments import Segment
from avgdt.models.pretrained import PretrainedModel
from avgdt.recipes.clip import Clip
from avgdt.training.recordings import default_workers


@dataclass(frozen=True)
class Compared:
    """What both networks make of the same segments."""

    segments: list[Segment]
    """Those that could be read: the rows of the vectors."""
    pretrained: Vectors
    """Of the trained networks."""
    random: Vectors
    """Of the untrained ones."""
    skipped: list[Skipped]
    """Those that could not be read."""
    padded: int
    """Those of ``segments`` whose recording is shorter than a clip: its last frame stands still, silence follows."""

    def account(self) -> dict[str, Any]:
        """What was left out or filled up, for the result."""
        return {"padded": self.padded, "skipped": [asdict(one) for one in self.skipped]}


def check_modalities(model: PretrainedModel, modalities: Sequence[str]) -> None:
    """Raise :class:`EvaluationError` for a modality that the networks do not take."""
    for modality in modalities:
        if modality not in model.phi.modalities:
            raise EvaluationError(f"modality: these weights take {' and '.join(model.phi.modalities)}, not {modality}")


def count_padded(
    segments: Sequence[Segment], entries: Sequence[Entry], clip: Clip, modalities: Sequence[ModalityName]
) -> int:
    """How many segments are of a recording that is shorter than a clip."""
    clip = span_of(clip, modalities)
    # As for training, a file that falls short by less than two frames is not called short: files round their ends.
    least = clip.seconds - 2 / clip.frame_rate
    return sum(common_span(entries[segment.entry], tuple(modalities)).seconds < least for segment in segments)


def compare(
    model: PretrainedModel,
    random: PretrainedModel,
    entries: Sequence[Entry],
    plans: Sequence[Plan],
    skipped: Sequence[Skipped],
    modalities: tuple[ModalityName, ...],
    read: Reader,
    progress: Progress,
    average: bool = True,
    extract: Extract = extract,
) -> Compared:
    """Read the plans out of both networks in one pass; what fails joins ``skipped``.

    Raises :class:`EvaluationError` where no recording is left.
    """
    _some(plans, skipped)
    found = extract(
        (model, random),
        entries,
        plans,
        modalities,
        read,
        workers=default_workers(model.recipe.run.workers),
        average=average,
        progress=progress,
    )
    failed = [Skipped(str(entries[plans[i].segment.entry].path), reason) for i, reason in found.failures.items()]
    skipped = [*skipped, *failed]
    _some(found.kept, skipped)
    kept = [plans[i].segment for i in found.kept]
    padded = count_padded(kept, entries, model.recipe.clip, modalities)
    pretrained, untrained = found.vectors
    return Compared(kept, pretrained, untrained, skipped, padded)


def _some(left: Sequence[object], skipped: Sequence[Skipped]) -> None:
    if not left:
        reason, count = Counter(one.reason for one in skipped).most_common(1)[0] if skipped else ("there are none", 0)
        raise EvaluationError(f"data: no recording can be evaluated; {count} of {len(skipped)}: {reason}")
