"""Diagnosis of a pretraining run from its metrics: whether the run works, the cause of a failure, and the remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from avgdt.evaluation.run_metrics import RetrievalMetrics, Training
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

Cause = Literal[
    "healthy",
    "plateau",
    "no signal",
    "collapse",
    "batch-norm leak",
    "bank shortcut",
    "overfitting",
    "diverging",
    "not measured",
]


@dataclass(frozen=True)
class Verdict:
    """Diagnosis of a training run: cause, evidence and remedy."""

    cause: Cause
    headline: str
    """Diagnosis in one sentence."""
    evidence: str
    """Metrics on which the diagnosis is based, in one sentence."""
    remedy: str
    """Suggested change in one sentence, which names options of ``avgdt pretrain``."""

    @property
    def level(self) -> Literal["good", "uncertain", "bad"]:
        """Level of the verdict.

        It is "good" if the run generalises, "uncertain" if it is too early to decide or if generalisation is not
        measured, and "bad" if the recipe or the data must be changed.
        """
        if self.cause in ("plateau", "not measured"):
            return "uncertain"
        return "good" if self.cause == "healthy" else "bad"

    def __str__(self) -> str:
        return f"{self.headline} {self.evidence} {self.remedy}"


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
        return _diverging(
            recipe, f"the loss is {training.loss:.2f}; its first value or chance level is {training.reference_loss:.2f}"
        )
    if training.growth > GREATEST_GRADIENT:
        return _diverging(recipe, f"the gradient norm is {training.growth:.0f} times that of the first steps")
    above = retrieval is not None and retrieval.above_chance
    if not above and (training.std < COLLAPSED_STD or (rank is not None and rank < COLLAPSED_RANK)):
        return _collapse(recipe, training, rank)
    if retrieval is None:
        return _without_retrieval(recipe, training)
    evidence = _evidence(training, retrieval)
    _, most = retrieval.at(training.chance)
    exceeds = training.interval[0] > most
    if (not above and exceeds) or training.interval[0] - most > GAP:
        if fraction >= LEAK:
            return _leak(recipe, fraction, evidence)
        if drift >= DRIFT:
            return _bank(recipe, drift, evidence)
        if training.accuracy >= GAP:
            return _overfitting(recipe, evidence)
    if above and (falling := _falling(heldout, retrieval)):
        return _overfitting(recipe, falling, evidence)
    if above:
        return _healthy(evidence)
    if drift >= DRIFT:
        return _bank(recipe, drift, evidence)
    if retrieval.gallery < FEWEST:
        return _few(retrieval, evidence)
    if training.late and not retrieval.any_sign:
        return _no_signal(recipe, evidence)
    return _plateau(recipe, evidence)


def verdict_from_file(recipe: Recipe, metrics: Path) -> Verdict | None:
    """Return the verdict on the run with the metrics file ``metrics``; None if it has no line of kind "train" yet."""
    lines = read_json_lines(metrics, ("kind", "step"))
    train = [line for line in lines if line["kind"] == "train"]
    return verdict(recipe, train, [line for line in lines if line["kind"] == "heldout"]) if train else None


def _diverging(recipe: Recipe, evidence: str) -> Verdict:
    return Verdict("diverging", "The training run diverges.", _sentence(evidence), f"{_smaller_steps(recipe)}.")


def _collapse(recipe: Recipe, training: Training, rank: float | None) -> Verdict:
    parts = [
        f"the std of the embeddings in training is {training.std:.2f} (1 if uniform on the sphere, 0 if identical)"
    ]
    if rank is not None:
        parts.append(f"the effective rank of held-out embeddings is {rank:.1f}")
    more = ", or raise --objective.sigreg-weight" if recipe.objective.loss == "sigreg" else ""
    return Verdict(
        "collapse",
        "The embeddings have collapsed: they hardly differ between recordings.",
        _sentence(*parts),
        f"{_smaller_steps(recipe)}, or add --model.head.batch-norm output{more}.",
    )


def _leak(recipe: Recipe, fraction: float, evidence: str) -> Verdict:
    groups = f"--objective.key-groups (now {recipe.objective.key_groups}) and "
    return Verdict(
        "batch-norm leak",
        "The networks recognise keys by the statistics of their batch, which leak through batch norm.",
        _sentence(
            f"positive pairs lose {100 * fraction:.0f} % of their similarity margin if the keys are normalised in "
            "another batch",
            evidence,
        ),
        f"Add --model.head.batch-norm output, or raise {groups if recipe.objective.negatives == 'bank' else ''}"
        f"--run.batch (now {recipe.run.batch}).",
    )


def _bank(recipe: Recipe, drift: float, evidence: str) -> Verdict:
    objective = recipe.objective
    return Verdict(
        "bank shortcut",
        "The keys in the bank are outdated, so the networks can recognise a key by its age.",
        _sentence(f"a key changes by up to {drift:.2f} (1 - cosine similarity) during its time in the bank", evidence),
        f"Raise --objective.momentum (now {objective.momentum:g}) or lower --objective.bank (now {objective.bank}); "
        "-1 for both gives the paper's proportions.",
    )


def _overfitting(recipe: Recipe, *evidence: str) -> Verdict:
    return Verdict(
        "overfitting",
        "The networks overfit the training set.",
        _sentence(*evidence),
        "Train on more recordings, add augmentations (composition.video and composition.audio in a file for --config), "
        f"raise --model.head.dropout (now {recipe.model.head.dropout:g}) or --optimiser.weight-decay (now "
        f"{recipe.optimiser.weight_decay:g}), or lower --schedule.epochs (now {recipe.schedule.epochs}).",
    )


def _no_signal(recipe: Recipe, evidence: str) -> Verdict:
    check = (
        "Check that the audio of each recording belongs to its video and is not silent (avgdt scan)"
        if _both(recipe)
        else "Check that augmented views of a recording still have something in common (avgdt report shows them)"
    )
    return Verdict(
        "no signal",
        "The views of a recording seem to have nothing in common: the run stays at chance level.",
        _sentence(evidence),
        f"{check}, then change --optimiser.lr (now {recipe.optimiser.lr:g}) or raise --schedule.epochs (now "
        f"{recipe.schedule.epochs}).",
    )


def _plateau(recipe: Recipe, evidence: str) -> Verdict:
    return Verdict(
        "plateau",
        "The run is still on the plateau at the start of training, or has just left it.",
        _sentence(evidence),
        "This is normal in the first third of the epochs; if it continues, raise --schedule.epochs "
        f"(now {recipe.schedule.epochs}).",
    )


def _healthy(evidence: str) -> Verdict:
    return Verdict(
        "healthy",
        "The run works: retrieval outside the training set is above chance level.",
        _sentence(evidence),
        "No change is needed; more epochs (--schedule.epochs) help as long as held-out retrieval improves.",
    )


def _few(retrieval: RetrievalMetrics, evidence: str) -> Verdict:
    return Verdict(
        "not measured",
        "Too few held-out recordings for a verdict.",
        _sentence(evidence),
        f"Hold out at least {FEWEST} recordings (now {retrieval.gallery}): add rows of the split named by "
        "--data.held-out to the manifest, or raise --data.held-out-at-most.",
    )


def _without_retrieval(recipe: Recipe, training: Training) -> Verdict:
    """Return the verdict on a run without held-out retrieval, from its training metrics."""
    evidence = _accuracy(training)
    if training.interval[0] <= training.chance:
        return _no_signal(recipe, evidence) if training.late else _plateau(recipe, evidence)
    return Verdict(
        "not measured",
        "Generalisation is not measured.",
        _sentence(evidence, "this alone is no evidence of generalisation, since shortcuts raise it too"),
        "Hold out recordings: add rows of the split named by --data.held-out to the manifest, or raise "
        "--data.held-out-at-most."
        if _both(recipe)
        else "With one modality there is no cross-modal retrieval: compare a linear probe (avgdt evaluate linear) with "
        "random weights.",
    )


def _both(recipe: Recipe) -> bool:
    return set(recipe.composition.modalities) == {"video", "audio"}


def _smaller_steps(recipe: Recipe) -> str:
    return (
        f"Lower --optimiser.lr (now {recipe.optimiser.lr:g}), raise --schedule.warmup-epochs (now "
        f"{recipe.schedule.warmup_epochs:g})"
    )


def _sentence(*parts: str) -> str:
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _accuracy(training: Training) -> str:
    accuracy, chance = 100 * training.accuracy, 100 * training.chance
    return f"re-identification accuracy in training is {accuracy:.1f} % (chance level {chance:.1f} %)"


def _evidence(training: Training, retrieval: RetrievalMetrics) -> str:
    lower, upper = retrieval.interval
    return (
        f"{_accuracy(training)}, recall at {retrieval.k} among {retrieval.gallery} recordings outside the training set "
        f"{100 * retrieval.recalls[retrieval.k]:.1f} % (95 % interval {100 * lower:.0f} to {100 * upper:.0f} %, "
        f"chance level {100 * retrieval.chance:.1f} %)"
    )


def _falling(heldout: Sequence[Mapping[str, Any]], latest: RetrievalMetrics) -> str:
    """Describe a significant drop of the recall from its best value at the same gallery size; "" if there is none."""
    earlier = [retrieval for line in heldout if (retrieval := RetrievalMetrics.of(line)).gallery == latest.gallery]
    best = max(earlier, key=lambda retrieval: retrieval.recalls[latest.k], default=latest)
    if best.interval[0] <= latest.interval[1]:
        return ""
    return f"the recall has fallen from {100 * best.recalls[latest.k]:.1f} %"


def _diagnosed(heldout: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [line["diagnosis"][name] for line in heldout if name in line.get("diagnosis", {})]
