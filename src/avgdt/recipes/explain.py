"""A recipe's composition in plain words, and against how many keys each of its views stands."""

from __future__ import annotations

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Factor, Modality
from avgdt.recipes.negatives import other_keys
from avgdt.recipes.proportions import BANK, RECORDINGS
from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import AUTO

_MEET = {
    "different": "views of different modalities meet in the loss",
    "equal": "views of one modality meet in the loss",
    "both": "views of all modalities meet in the loss",
}
_COLUMNS = ("positives", "negatives of its own recording", "negatives of others, for each positive")


def explain(recipe: Recipe) -> str:
    """The views and their matrix, what each factor is, and the keys that attract and repel each view."""
    composition, objective = recipe.composition, recipe.objective
    factors = [
        f"{type(factor).__name__}: {_what(factor)} {_role(factor, composition)}" for factor in composition.factors
    ]
    if objective.negatives == "batch":
        source = f"the {recipe.run.batch} recordings of a batch"
        others = other_keys(recipe, recipe.run.batch - 1)
    elif objective.bank == AUTO:
        source = f"a bank of 7 % of the recordings as past keys per view ({BANK:,} of {RECORDINGS:,}), once it is full"
        others = other_keys(recipe, BANK)
    else:
        source = f"a bank of {objective.bank:,} past keys per view, once it is full"
        others = other_keys(recipe, objective.bank)
    return "\n\n".join(
        [
            f"{composition.describe()}\n(a attracts, r repels, . does not meet; rows are queries, columns keys)",
            "\n".join(factors),
            f"Keys that each view meets, with {source}:\n{_counts(composition, others)}",
        ]
    )


def _what(factor: Factor) -> str:
    """The first sentence of its documentation."""
    text = (type(factor).__doc__ or "").split("\n\n")[0]
    return " ".join(text.split())


def _role(factor: Factor, composition: Composition) -> str:
    if isinstance(factor, Modality):
        return f"Here {_MEET[composition.partners]}."
    if factor.distinctive:
        return "Distinctive: views that differ in it repel each other."
    return "Invariant: it makes no difference to which views attract each other."


def _counts(composition: Composition, others: int) -> str:
    width = max(len(view.name) for view in composition.views)
    lines = ["  ".join(["view".ljust(width), *_COLUMNS])]
    for view, attracts, repels in zip(composition.views, composition.attract, composition.repel, strict=True):
        numbers = (sum(attracts), sum(repels), others)
        cells = (f"{number:>{len(name)},}" for number, name in zip(numbers, _COLUMNS, strict=True))
        lines.append("  ".join([view.name.ljust(width), *cells]))
    return "\n".join(lines)
