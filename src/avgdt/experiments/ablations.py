"""Ablations: jitter (table 1a of the paper), audio (table 1b), and the sensitivity to individual settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from avgdt.composition.audio_augmentations import SpecAugment
from avgdt.errors import suggestion
from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.grid import GridCell
from avgdt.recipes.recipe import Recipe


@dataclass(frozen=True)
class Claim:
    """Claim of the paper that one level of a factor is better than another, all other factors being equal."""

    text: str
    factor: str
    better: str
    worse: str


@dataclass(frozen=True)
class Ablation:
    """Ablation: a question, and the grid of recipe variants that answers it."""

    name: str
    title: str
    question: str
    cells: Callable[[Recipe], tuple[GridCell, ...]]
    claims: tuple[Claim, ...] = ()
    baseline: str = ""
    """Level with which the other levels of the only factor are compared; empty if ``claims`` are tested."""
    published: str = ""
    """Number of the corresponding table in the paper; empty if there is none."""


SPEC_AUGMENTS = {
    "none": SpecAugment.none,
    "mild": SpecAugment.mild,
    "medium": SpecAugment.medium,
    "strong": SpecAugment.strong,
}


def jitter_cells(recipe: Recipe) -> tuple[GridCell, ...]:
    """Return the cells with and without temporal jittering, for half of the epochs and for all epochs."""
    lengths = dict.fromkeys((max(1, recipe.schedule.epochs // 2), recipe.schedule.epochs))
    return tuple(
        GridCell(
            (("jitter", "on" if jitter else "off"), ("epochs", str(count))),
            timed(with_epochs(recipe, count), jitter=jitter),
        )
        for count, jitter in product(lengths, (False, True))
    )


def audio_cells(recipe: Recipe) -> tuple[GridCell, ...]:
    """Return the cells with synchronous and independent windows, each with four strengths of SpecAugment."""
    return tuple(
        GridCell(
            (("windows", "synchronous" if synchronous else "independent"), ("SpecAugment", name)),
            timed(with_spec_augment(recipe, make()), synchronous=synchronous),
        )
        for synchronous, (name, make) in product((False, True), SPEC_AUGMENTS.items())
    )


def sensitivity_cells(recipe: Recipe) -> tuple[GridCell, ...]:
    """Return a cell with the recipe itself, and cells that each change one setting of the recipe.

    The settings are temperature, clip length and, with a memory bank, bank size, momentum and key groups.
    """
    cells = [_one_setting("as configured", recipe)]
    for temperature in (0.03, 0.07, 0.2, 0.5):
        cells += _changed(f"temperature {temperature:g}", recipe, "objective", temperature=temperature)
    if recipe.objective.negatives == "bank":
        for size in (4 * recipe.run.batch, 16 * recipe.run.batch):
            cells += _changed(f"bank {size}", recipe, "objective", bank=size)
        for momentum in (0.9, 0.99, 0.999):
            cells += _changed(f"momentum {momentum:g}", recipe, "objective", momentum=momentum)
        for groups in (1, 2, 4):
            cells += _changed(f"key groups {groups}", recipe, "objective", key_groups=groups)
    for factor in (0.5, 2.0):
        frames, seconds = max(2, round(recipe.clip.frames * factor)), recipe.clip.audio_seconds * factor
        cells += _changed(f"clips {factor:g} x as long", recipe, "clip", frames=frames, audio_seconds=seconds)
    return tuple(cells)


ABLATIONS = (
    Ablation(
        "jitter",
        "Temporal jittering",
        "Do windows that are redrawn in every epoch yield better features than fixed windows?",
        jitter_cells,
        (Claim("Temporal jittering is better than none", "jitter", "on", "off"),),
        published="1a",
    ),
    Ablation(
        "audio",
        "Synchronous windows and SpecAugment",
        "Do synchronous windows of video and audio, and masks on the spectrogram, yield better features?",
        audio_cells,
        (
            Claim("Synchronous windows are better than independent ones", "windows", "synchronous", "independent"),
            *(
                Claim(f"{level.capitalize()} SpecAugment is better than none", "SpecAugment", level, "none")
                for level in ("mild", "medium", "strong")
            ),
        ),
        published="1b",
    ),
    Ablation(
        "sensitivity",
        "Sensitivity to single settings",
        "How much do the results depend on temperature, bank size, momentum, batch norm groups and clip length?",
        sensitivity_cells,
        baseline="as configured",
    ),
)


def ablation(name: str) -> Ablation:
    """Return the ablation called ``name``; raise :class:`ExperimentError` if the name is unknown."""
    known = {entry.name: entry for entry in ABLATIONS}
    if name not in known:
        raise ExperimentError(f"ablation {name!r} is unknown; {suggestion(name, known)}")
    return known[name]


def with_epochs(recipe: Recipe, epochs: int) -> Recipe:
    """Return the recipe with another number of epochs; warm-up and learning-rate steps are rescaled accordingly."""
    ratio = epochs / recipe.schedule.epochs
    schedule = replace(
        recipe.schedule,
        epochs=epochs,
        warmup_epochs=ratio * recipe.schedule.warmup_epochs,
        steps=tuple(max(1, round(ratio * step)) for step in recipe.schedule.steps),
    )
    return replace(recipe, schedule=schedule)


def timed(recipe: Recipe, **changes: bool) -> Recipe:
    """Return the recipe with ``changes`` to the fields of ``composition.time``, which determine window start times."""
    composition = recipe.composition
    return replace(recipe, composition=replace(composition, time=replace(composition.time, **changes)))


def with_spec_augment(recipe: Recipe, masks: SpecAugment) -> Recipe:
    """Return the recipe with its SpecAugment replaced by ``masks``."""
    composition = recipe.composition
    augmentations = tuple(step for step in composition.audio if not isinstance(step, SpecAugment))
    audio = augmentations if masks.idle() else (*augmentations, masks)
    return replace(recipe, composition=replace(composition, audio=audio))


def _one_setting(level: str, recipe: Recipe) -> GridCell:
    return GridCell((("setting", level),), recipe)


def _changed(level: str, recipe: Recipe, part: str, **changes: Any) -> list[GridCell]:
    """Return a list with the cell of the changed recipe; the list is empty if the recipe is unchanged."""
    changed: Recipe = replace(recipe, **{part: replace(getattr(recipe, part), **changes)})
    return [] if changed == recipe else [_one_setting(level, changed)]
