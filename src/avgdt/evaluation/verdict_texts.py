"""Verdicts on a pretraining run in words: the cause, the evidence, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from avgdt.evaluation.run_metrics import RetrievalMetrics, Training
from avgdt.recipes.recipe import Recipe

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


def diverging(recipe: Recipe, evidence: str) -> Verdict:
    """Return the verdict on a run whose loss or gradient grows."""
    return Verdict("diverging", "The training run diverges.", _sentence(evidence), f"{_smaller_steps(recipe)}.")


def collapse(recipe: Recipe, training: Training, rank: float | None) -> Verdict:
    """Return the verdict on a run whose embeddings hardly differ; ``rank`` is their effective rank, if known."""
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


def leak(recipe: Recipe, fraction: float, evidence: str) -> Verdict:
    """Return the verdict on a run whose keys lose ``fraction`` of their margin if normalised in another batch."""
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


def bank_shortcut(recipe: Recipe, drift: float, evidence: str) -> Verdict:
    """Return the verdict on a run whose keys change by ``drift`` while they are in the memory bank."""
    objective = recipe.objective
    return Verdict(
        "bank shortcut",
        "The keys in the bank are outdated, so the networks can recognise a key by its age.",
        _sentence(f"a key changes by up to {drift:.2f} (1 - cosine similarity) during its time in the bank", evidence),
        f"Raise --objective.momentum (now {objective.momentum:g}) or lower --objective.bank (now {objective.bank}); "
        "-1 for both gives the paper's proportions.",
    )


def overfitting(recipe: Recipe, *evidence: str) -> Verdict:
    """Return the verdict on a run that does not generalise to held-out recordings."""
    return Verdict(
        "overfitting",
        "The networks overfit the training set.",
        _sentence(*evidence),
        "Train on more recordings, add augmentations (composition.video and composition.audio in a file for --config), "
        f"raise --model.head.dropout (now {recipe.model.head.dropout:g}) or --optimiser.weight-decay (now "
        f"{recipe.optimiser.weight_decay:g}), or lower --schedule.epochs (now {recipe.schedule.epochs}).",
    )


def no_signal(recipe: Recipe, evidence: str) -> Verdict:
    """Return the verdict on a run that stays at the chance level."""
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


def plateau(recipe: Recipe, evidence: str) -> Verdict:
    """Return the verdict for a run whose retrieval is at chance level but may still improve."""
    return Verdict(
        "plateau",
        "The run is still on the plateau at the start of training, or has just left it.",
        _sentence(evidence),
        "This is normal in the first third of the epochs; if it continues, raise --schedule.epochs "
        f"(now {recipe.schedule.epochs}).",
    )


def healthy(evidence: str) -> Verdict:
    """Return the verdict on a run whose held-out recall is above the chance level."""
    return Verdict(
        "healthy",
        "The run works: retrieval outside the training set is above chance level.",
        _sentence(evidence),
        "No change is needed; more epochs (--schedule.epochs) help as long as held-out retrieval improves.",
    )


def too_few(retrieval: RetrievalMetrics, needed: int, evidence: str) -> Verdict:
    """Return the verdict on a run with fewer than ``needed`` held-out recordings."""
    return Verdict(
        "not measured",
        "Too few held-out recordings for a verdict.",
        _sentence(evidence),
        f"Hold out at least {needed} recordings (now {retrieval.gallery}): add rows of the split named by "
        "--data.held-out to the manifest, or raise --data.held-out-at-most.",
    )


def without_retrieval(recipe: Recipe, training: Training) -> Verdict:
    """Return the verdict on a run without held-out retrieval, from its training metrics."""
    evidence = _accuracy(training)
    if training.interval[0] <= training.chance:
        return no_signal(recipe, evidence) if training.late else plateau(recipe, evidence)
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


def evidence_of(training: Training, retrieval: RetrievalMetrics) -> str:
    """Describe the training accuracy and the held-out recall."""
    lower, upper = retrieval.interval
    return (
        f"{_accuracy(training)}, recall at {retrieval.k} among {retrieval.gallery} recordings outside the training set "
        f"{100 * retrieval.recalls[retrieval.k]:.1f} % (95 % interval {100 * lower:.0f} to {100 * upper:.0f} %, "
        f"chance level {100 * retrieval.chance:.1f} %)"
    )
