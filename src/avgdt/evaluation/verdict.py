"""Diagnosis of a pretraining run from its metrics: whether the run works, the cause of a failure, and the remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from avgdt.evaluation.run_metrics import RetrievalMetrics, Training
from avgdt.evaluation.verdict_texts import (
    Verdict,
    bank_shortcut,
    collapse,
    diverging,
    evidence_of,
    healthy,
    leak,
    no_signal,
    overfitting,
    plateau,
    too_few,
    without_retrieval,
)
from avgdt.files import read_json_lines
from avgdt.recipes.recipe import Recipe

COLLAPSED_STD = 0.1
"""Collapse threshold for the std of the training embeddings. The std is 1 for embeddings spread over the whole sphere,
0 for identical embeddings, and 0.3 or more on the initial plateau of healthy runs."""
COLLAPSED_RANK = 2.0
"""Collapse threshold for the effective rank of held-out embeddings, which is 25 or more on the initial plateau of
healthy runs."""
SETTLED = 30
"""Number of training steps before which the effective rank is ignored. Held-out embeddings depend on the running
statistics of batch norm; with the initial statistics, the rank is 2 even for networks with random weights."""
GREATEST_LOSS = 1.5
"""Divergence threshold for the ratio of the loss to its first value or, for NCE, its chance level if that is larger. A
loss above both values means that the predictions are wrong with high confidence."""
GREATEST_GRADIENT = 30.0
"""Divergence threshold for the ratio of the gradient norm to its first value. In healthy runs, the norm falls."""
LEAK = 0.3
"""Batch-norm leak threshold for the fraction of the similarity margin that is lost if the keys are normalised in
another batch; see :func:`avgdt.evaluation.diagnosis.batch_norm_share`. In healthy runs, the fraction is at most 0.1
after the initial plateau."""
DRIFT = 0.1
"""Bank shortcut threshold for the change of a key (1 - cosine similarity) while it is in the memory bank. If the change
is larger, queries can identify keys by their age. In healthy runs, the change is 0.01."""
GAP = 0.25
"""Overfitting threshold for the training accuracy, and for the gap between the lower bound of its confidence interval
and the upper bound of the interval of the held-out recall. Accuracy and recall are compared at the same chance level.
In runs that generalise, they differ by at most 0.1."""
FEWEST = 20
"""Number of held-out recordings below which a recall at chance level is not interpreted, because its confidence
interval is too wide."""


def verdict(
    recipe: Recipe,
    train: Sequence[Mapping[str, Any]],
    heldout: Sequence[Mapping[str, Any]],
    unseen: Mapping[str, Any] | None = None,
) -> Verdict:
    """Return the verdict on a run from the lines of its ``metrics.jsonl``.

    Args:
        recipe: resolved recipe, as in ``config.yaml``.
        train: lines of kind "train"; at least one.
        heldout: lines of kind "heldout"; empty if there are no held-out recordings or only one modality.
        unseen: retrieval metrics of other recordings outside the training set, in the form of a line of kind "heldout";
            they replace the last line of ``heldout``.
    """
    training = Training.of(recipe, train)
    latest = unseen or (heldout[-1] if heldout else None)
    retrieval = None if latest is None else RetrievalMetrics.of(latest)
    fraction = max(_diagnosed(heldout, "batch_norm_share")[-1:], default=0.0)
    drift = max(_diagnosed(heldout, "key_drift"), default=0.0)
    ranks = [_diagnosed(heldout, f"effective_rank_{modality}")[-1:] for modality in ("video", "audio")]
    rank = min((value for values in ranks for value in values), default=None) if training.step >= SETTLED else None
    if not isfinite(training.loss) or training.loss > GREATEST_LOSS * training.reference_loss:
        return diverging(
            recipe, f"the loss is {training.loss:.2f}; its first value or chance level is {training.reference_loss:.2f}"
        )
    if training.growth > GREATEST_GRADIENT:
        return diverging(recipe, f"the gradient norm is {training.growth:.0f} times that of the first steps")
    above = retrieval is not None and retrieval.above_chance
    if not above and (training.std < COLLAPSED_STD or (rank is not None and rank < COLLAPSED_RANK)):
        return collapse(recipe, training, rank)
    if retrieval is None:
        return without_retrieval(recipe, training)
    evidence = evidence_of(training, retrieval)
    _, most = retrieval.at(training.chance)
    exceeds = training.interval[0] > most
    if (not above and exceeds) or training.interval[0] - most > GAP:
        if fraction >= LEAK:
            return leak(recipe, fraction, evidence)
        if drift >= DRIFT:
            return bank_shortcut(recipe, drift, evidence)
        if training.accuracy >= GAP:
            return overfitting(recipe, evidence)
    if above and (falling := _falling(heldout, retrieval)):
        return overfitting(recipe, falling, evidence)
    if above:
        return healthy(evidence)
    if drift >= DRIFT:
        return bank_shortcut(recipe, drift, evidence)
    if retrieval.gallery < FEWEST:
        return too_few(retrieval, FEWEST, evidence)
    if training.late and not retrieval.any_sign:
        return no_signal(recipe, evidence)
    return plateau(recipe, evidence)


def verdict_from_file(recipe: Recipe, metrics: Path) -> Verdict | None:
    """Return the verdict on the run with the metrics file ``metrics``; None if it has no line of kind "train" yet."""
    lines = read_json_lines(metrics, ("kind", "step"))
    train = [line for line in lines if line["kind"] == "train"]
    return verdict(recipe, train, [line for line in lines if line["kind"] == "heldout"]) if train else None


def _falling(heldout: Sequence[Mapping[str, Any]], latest: RetrievalMetrics) -> str:
    """Describe a significant drop of the recall from its best value at the same gallery size; "" if there is none."""
    earlier = [retrieval for line in heldout if (retrieval := RetrievalMetrics.of(line)).gallery == latest.gallery]
    best = max(earlier, key=lambda retrieval: retrieval.recalls[latest.k], default=latest)
    if best.interval[0] <= latest.interval[1]:
        return ""
    return f"the recall has fallen from {100 * best.recalls[latest.k]:.1f} %"


def _diagnosed(heldout: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [line["diagnosis"][name] for line in heldout if name in line.get("diagnosis", {})]
