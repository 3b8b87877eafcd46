"""Description of a recipe as text: its views and their relations, its factors, and the keys of each view."""

from __future__ import annotations

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Factor, Modality
from avgdt.recipes.proportions import BANK, RECORDINGS
from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import AUTO

_COMPARED = {
    "different": "views of different modalities are compared in the loss",
    "equal": "views of the same modality are compared in the loss",
    "both": "views of all modalities are compared in the loss",
}
_COLUMNS = ("positives", "negatives of the same recording", "negatives of other recordings per positive")


def describe(recipe: Recipe) -> str:
    """Describe the views of a recipe and their relations, its factors, and the number of keys of each view."""
    composition, objective = recipe.composition, recipe.objective
    factors = [
        f"{type(factor).__name__}: {_docstring(factor)} {_role(factor, composition)}" for factor in composition.factors
    ]
    if objective.negatives == "batch":
        source = f"the {recipe.run.batch} recordings of a batch"
        others = other_keys(recipe, recipe.run.batch - 1)
    elif objective.bank == AUTO:
        source = f"a full bank of past keys per view, as many as 7 % of the recordings ({BANK:,} of {RECORDINGS:,})"
        others = other_keys(recipe, BANK)
    else:
        source = f"a full bank of {objective.bank:,} past keys per view"
        others = other_keys(recipe, objective.bank)
    return "\n\n".join(
        [
            f"{composition.describe()}\n(a attracts, r repels, . is not compared; rows are queries, columns keys)",
            "\n".join(factors),
            f"Number of keys with which each view is compared, for {source}:\n{_counts(composition, others)}",
        ]
    )


def other_keys(recipe: Recipe, recordings: int) -> int:
    """Return the number of negatives per positive that ``recordings`` other recordings contribute.

    Each contributes one key or, if ``negatives_from`` is modality, the keys of all views of the modality.
    """
    composition = recipe.composition
    keys = len(composition.views) // len(composition.modalities) if recipe.objective.negatives_from == "modality" else 1
    return keys * recordings


def _docstring(factor: Factor) -> str:
    """Return the first paragraph of the docstring of the factor's class."""
    text = (type(factor).__doc__ or "").split("\n\n")[0]
    return " ".join(text.split())


def _role(factor: Factor, composition: Composition) -> str:
    if isinstance(factor, Modality):
        return f"Here {_COMPARED[composition.partners]}."
    if factor.distinctive:
        return "Distinctive: views that differ in this factor repel each other."
    return "Invariant: views that differ in this factor may attract each other."


def _counts(composition: Composition, others: int) -> str:
    width = max(len(view.name) for view in composition.views)
    lines = ["  ".join(["view".ljust(width), *_COLUMNS])]
    for view, attracts, repels in zip(composition.views, composition.attract, composition.repel, strict=True):
        numbers = (sum(attracts), sum(repels), others)
        cells = (f"{number:>{len(name)},}" for number, name in zip(numbers, _COLUMNS, strict=True))
        lines.append("  ".join([view.name.ljust(width), *cells]))
    return "\n".join(lines)
