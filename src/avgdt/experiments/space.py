"""Search space of compositions: factors and their kinds, window start times, and augmentations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product

from avgdt.composition.audio_augmentations import AudioAugmentation, Equaliser, Mix, Noise, Volume
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Factor, Modality, Repeats, Reversal, TimeShift
from avgdt.composition.video_augmentations import (
    CentreCrop,
    ColourJitter,
    Flip,
    RandomCrop,
    ShortSideJitter,
    VideoAugmentation,
)
from avgdt.composition.view import Time
from avgdt.experiments.ablations import SPEC_AUGMENTS, with_epochs
from avgdt.recipes.recipe import Recipe

Choices = dict[str, str]
"""Choices of a trial: the level of each dimension of the search space."""

_KINDS = ("absent", "invariant", "distinctive")
_ON_OFF = ("off", "on")
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "time shift": _KINDS,
    "reversal": _KINDS,
    "repeats": ("1", "2"),
    "jitter": _ON_OFF,
    "windows": ("synchronous", "independent"),
    "crop": ("centre", "random"),
    "flip": _ON_OFF,
    "short side": ("fixed", "jittered"),
    "colour jitter": ("0", "0.2", "0.4"),
    "SpecAugment": tuple(SPEC_AUGMENTS),
    "volume": _ON_OFF,
    "equaliser": _ON_OFF,
    "noise": _ON_OFF,
    "mix": _ON_OFF,
}
"""Dimensions of the search space, each with its levels."""


def searched_recipe(recipe: Recipe, choices: Mapping[str, str]) -> Recipe:
    """Return ``recipe`` with the chosen composition, and with the number of epochs that preserves the training budget.

    The cost of a training step is proportional to the number of views, so the number of epochs is multiplied by the
    number of views of ``recipe`` divided by the number of views of the composition. Raises ``CompositionError`` if the
    choices are incompatible.
    """
    composition = replace(
        recipe.composition,
        factors=_factors(recipe, choices),
        time=_time(choices),
        video=_video(recipe, choices),
        audio=_audio(choices),
    )
    views = len(recipe.composition.views), len(composition.views)
    epochs = max(1, round(recipe.schedule.epochs * views[0] / views[1]))
    return with_epochs(replace(recipe, composition=composition), epochs)


def own_choices(recipe: Recipe) -> Choices | None:
    """Return the choices that reproduce the composition of ``recipe``; None if it is outside the search space."""
    own, names = recipe.composition, list(DIMENSIONS)
    parts: tuple[tuple[list[str], Callable[[Choices], object], object], ...] = (
        (names[:3], lambda choices: _factors(recipe, choices), own.factors),
        (names[3:5], _time, own.time),
        (names[5:9], lambda choices: _video(recipe, choices), own.video),
        (names[9:], _audio, own.audio),
    )
    found: Choices = {}
    for dimensions, build, wanted in parts:
        every = (
            dict(zip(dimensions, levels, strict=True)) for levels in product(*(DIMENSIONS[name] for name in dimensions))
        )
        matching = next((choices for choices in every if build(choices) == wanted), None)
        if matching is None:
            return None
        found |= matching
    return found


def choices_line(choices: Mapping[str, str]) -> str:
    """Format the choices in one line, without dimensions that are off or have no effect."""
    return ", ".join(
        f"{name} {level}" if level != "on" else name
        for name, level in choices.items()
        if level not in ("off", "absent", "none", "0", "1", "fixed")
    )


def _factors(recipe: Recipe, choices: Mapping[str, str]) -> tuple[Factor, ...]:
    factors: list[Factor] = [Modality()]
    composition: Composition = recipe.composition
    if (kind := choices["time shift"]) != "absent":
        factors.append(TimeShift(composition.shift or recipe.clip.seconds, **{kind: True}))
    if (kind := choices["reversal"]) != "absent":
        factors.append(Reversal(**{kind: True}))
    if (count := int(choices["repeats"])) > 1:
        factors.append(Repeats(count))
    return tuple(factors)


def _time(choices: Mapping[str, str]) -> Time:
    return Time(jitter=choices["jitter"] == "on", synchronous=choices["windows"] == "synchronous")


def _video(recipe: Recipe, choices: Mapping[str, str]) -> tuple[VideoAugmentation, ...]:
    steps: list[VideoAugmentation] = []
    side = recipe.composition.crop or min(recipe.clip.height, recipe.clip.width)
    if choices["short side"] == "jittered":
        low = max(side, recipe.clip.height)
        steps.append(ShortSideJitter(low, round(1.25 * low)))
    steps.append(RandomCrop(side) if choices["crop"] == "random" else CentreCrop(side))
    if choices["flip"] == "on":
        steps.append(Flip(0.5))
    if (strength := float(choices["colour jitter"])) > 0:
        steps.append(ColourJitter(strength, strength, strength))
    return tuple(steps)


def _audio(choices: Mapping[str, str]) -> tuple[AudioAugmentation, ...]:
    waveform: dict[str, AudioAugmentation] = {
        "volume": Volume(0.5, 1.5),
        "equaliser": Equaliser(6.0),
        "noise": Noise(10.0, 30.0),
        "mix": Mix(0.05, 0.3),
    }
    masks = SPEC_AUGMENTS[choices["SpecAugment"]]()
    steps = [step for name, step in waveform.items() if choices[name] == "on"]
    return (*steps, *(() if masks.idle() else (masks,)))
