"""Named recipes, and the nine named compositions of time shift and time reversal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

from avgdt.composition.audio_augmentations import Equaliser, Mix, SpecAugment, Volume
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Factor, Modality, Reversal, TimeShift
from avgdt.composition.video_augmentations import ColourJitter, Flip, RandomCrop, ShortSideJitter
from avgdt.errors import suggestion
from avgdt.recipes.clip import Clip, Normalisation
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.model import AudioEncoder, Head, Model, VideoEncoder
from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import AUTO, Objective, Optimiser, Run, Schedule


def paper() -> Recipe:
    """Return the paper's recipe, with every hyper-parameter of sections 3.3 and 4.1."""
    return Recipe(
        title="The paper's setting: R(2+1)D-18 and ResNet-18, 15,000 past keys per transformation, 200 epochs",
        composition=Composition(
            Modality(),
            video=(RandomCrop(112), Flip(0.5)),
            audio=(SpecAugment.mild(),),
        ),
        objective=Objective(temperature=0.07, negatives="bank", bank=15000, momentum=0.999, key_groups=1),
        optimiser=Optimiser(kind="sgd", lr=0.01, momentum=0.9, weight_decay=1e-5),
        schedule=Schedule(epochs=200, warmup_epochs=10, warmup_from=1.0, shape="constant"),
        run=Run(batch=1024, norm_group=16, lr_batch=16, log_every=50),
    )


def released() -> Recipe:
    """Return the recipe of the authors' code for *On Compositions of Transformations* (ICCV 2021).

    It uses in-batch negatives and the largest of that code's nine compositions; :func:`with_composition` gives the
    others. It differs from that code in two ways. Frames are decoded at the smallest of the random short sides and then
    enlarged. The linear layer before batch norm has a bias, which batch norm cancels.
    """
    return Recipe(
        title="The authors' later code: two windows, two directions of time, in-batch negatives, ResNet-9 for audio",
        composition=Composition(
            Modality(),
            TimeShift(at_least=1.0, distinctive=True),
            Reversal(distinctive=True),
            video=(ShortSideJitter(128, 160), RandomCrop(112), Flip(0.5), ColourJitter(0.4, 0.4, 0.4)),
            audio=(Volume(0.9, 1.1), SpecAugment.medium()),
        ),
        model=Model(
            audio=AudioEncoder(blocks=(1, 1, 1, 1)),
            head=Head(hidden=512, out=256, batch_norm="hidden", dropout=0.3),
        ),
        objective=Objective(temperature=0.07, negatives="batch", negatives_from="modality", detach_keys=True),
        optimiser=Optimiser(kind="sgd", lr=0.01, momentum=0.9, weight_decay=1e-5),
        schedule=Schedule(epochs=200, warmup_epochs=10, shape="step", steps=(150, 175)),
        run=Run(batch=16, log_every=50),
    )


def small() -> Recipe:
    """Return a recipe for a few hundred real recordings on a CPU."""
    return Recipe(
        title="Real recordings on a CPU: narrow networks, motion only, negatives from the batch, AdamW",
        composition=Composition(
            Modality(), TimeShift(at_least=0.32, distinctive=True), video=(RandomCrop(64), Flip(0.5))
        ),
        clip=Clip(frames=16, frame_rate=25.0, height=86, width=108, audio_seconds=0.64),
        normalisation=Normalisation(std=0.05, subtract_mean_frame=1.0),
        model=Model(
            video=VideoEncoder(blocks=(1, 1, 1, 1), width=16, channels=1),
            audio=AudioEncoder(blocks=(1, 1, 1, 1), width=16),
            head=Head(hidden=128, out=128, batch_norm="hidden"),
        ),
        objective=Objective(negatives="batch", negatives_from="modality"),
        optimiser=Optimiser(kind="adamw", lr=1.5e-3, weight_decay=0.05),
        schedule=Schedule(epochs=36, warmup_epochs=1, shape="cosine"),
        run=Run(batch=12, monitor_epochs=6),
    )


def demo() -> Recipe:
    """Return the recipe of ``avgdt demo``, which trains in minutes on two cores."""
    return Recipe(
        title="The synthetic recordings of the demo: narrow networks, negatives from the batch, AdamW",
        composition=Composition(
            Modality(), TimeShift(at_least=0.4, distinctive=True), video=(RandomCrop(40), Flip(0.5))
        ),
        clip=Clip(frames=8, frame_rate=12.5, height=40, width=53, audio_seconds=0.64),
        normalisation=Normalisation(std=0.1, subtract_mean_frame=0.8),
        model=Model(
            video=VideoEncoder(blocks=(1, 1, 1, 1), width=16, channels=1),
            audio=AudioEncoder(blocks=(1, 1, 1, 1), width=16),
            head=Head(hidden=128, out=128, batch_norm="hidden"),
        ),
        objective=Objective(negatives="batch", negatives_from="modality"),
        optimiser=Optimiser(kind="adamw", lr=1.5e-3, weight_decay=0.05),
        schedule=Schedule(epochs=36, warmup_epochs=1, shape="cosine"),
        run=Run(batch=12, monitor_epochs=6),
    )


def small_bank() -> Recipe:
    """Return the recipe ``small`` with the paper's objective."""
    return _with_bank(small(), "Real recordings on a CPU with the paper's objective: momentum encoders and past keys")


def demo_bank() -> Recipe:
    """Return the recipe ``demo`` with the paper's objective."""
    return _with_bank(demo(), "The demo's recordings with the paper's objective: momentum encoders and past keys")


def _with_bank(recipe: Recipe, title: str) -> Recipe:
    """Return the recipe with a memory bank and momentum encoders in the paper's proportions."""
    return replace(recipe, title=title, objective=Objective(negatives="bank", bank=AUTO, momentum=AUTO))


def audio() -> Recipe:
    """Return a recipe for audio only, in which two augmented windows of a recording attract each other."""
    return Recipe(
        title="Audio only: two windows of one recording, augmented differently, attract each other; ResNet-18",
        composition=Composition(
            Modality(("audio",)),
            TimeShift(at_least=0.25, invariant=True),
            audio=(Volume(0.5, 1.5), Mix(0.05, 0.4), Equaliser(9.0), SpecAugment(2, 6, 2, 20)),
            partners="equal",
        ),
        clip=Clip(audio_seconds=2.0),
        model=Model(head=Head(hidden=512, out=128, batch_norm="hidden")),
        objective=Objective(temperature=0.1, negatives="batch"),
        optimiser=Optimiser(kind="adamw", lr=1e-3, weight_decay=0.05),
        schedule=Schedule(epochs=16, warmup_epochs=2, shape="cosine"),
        run=Run(batch=64, monitor_epochs=0),
    )


RECIPES: dict[str, Callable[[], Recipe]] = {
    "paper": paper,
    "released": released,
    "small": small,
    "demo": demo,
    "small-bank": small_bank,
    "demo-bank": demo_bank,
    "audio": audio,
}


def named(name: str) -> Recipe:
    """Return the recipe called ``name``. Raises :class:`RecipeError` for an unknown name."""
    if name not in RECIPES:
        raise RecipeError(f"recipe {name!r} is unknown; {suggestion(name, RECIPES)}")
    return RECIPES[name]()


_CHOICES = ("absent", "invariant", "distinctive")


def _name(shift: str, reversal: str) -> str:
    parts = [f"{factor}-{choice}" for factor, choice in (("shift", shift), ("reversal", reversal))]
    return "-".join(part for part in parts if not part.endswith("absent")) or "modality"


COMPOSITIONS: dict[str, tuple[str, str]] = {_name(*choices): choices for choices in product(_CHOICES, _CHOICES)}
"""Nine compositions by name, as (time shift, time reversal), each of which is absent, invariant or distinctive."""


def with_composition(recipe: Recipe, name: str) -> Recipe:
    """Return the recipe with the time shift and time reversal of the composition called ``name``.

    The minimum distance between windows is taken from the recipe. If the recipe has no time shift, the distance is the
    length of a window, so that windows do not overlap. Raises :class:`RecipeError` for an unknown name.
    """
    if name not in COMPOSITIONS:
        raise RecipeError(f"composition {name!r} is unknown; {suggestion(name, COMPOSITIONS)}")
    shift, reversal = ({choice: True} for choice in COMPOSITIONS[name])
    composition = recipe.composition
    factors: list[Factor] = [factor for factor in composition.factors if isinstance(factor, Modality)]
    if "absent" not in shift:
        factors.append(TimeShift(composition.shift or composition.fastest * recipe.clip.seconds, **shift))
    if "absent" not in reversal:
        factors.append(Reversal(**reversal))
    factors += [f for f in composition.factors if not isinstance(f, Modality | TimeShift | Reversal)]
    return replace(recipe, composition=replace(composition, factors=tuple(factors)))
