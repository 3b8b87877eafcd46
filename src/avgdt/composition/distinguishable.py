"""Whether the views of distinctive factors differ in anything that a network could see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TypeVar

from avgdt.composition.audio_augmentations import AudioAugmentation
from avgdt.composition.errors import require
from avgdt.composition.factors import Factor, Modality, Strength, TimeShift
from avgdt.composition.video_augmentations import VideoAugmentation
from avgdt.composition.view import Time

Step = TypeVar("Step", VideoAugmentation, AudioAugmentation)


def at_strength(step: Step, strength: float) -> Step:
    """``step`` at ``strength`` 0 to 1 of itself: itself at 1, to the last bit; at 0 it changes nothing but the size."""
    return step if strength == 1 else step.scaled(strength)


def check_distinguishable(
    factors: Iterable[Factor],
    time: Time,
    video: Sequence[VideoAugmentation],
    audio: Sequence[AudioAugmentation],
    across: bool,
    colours: bool = True,
) -> None:
    """Raise ``CompositionError`` for a distinctive factor whose views are alike, or related by chance alone.

    ``across``: whether views of different modalities meet; ``colours``: whether pictures have any.
    """
    factors = tuple(factors)
    modalities = [modality for factor in factors if isinstance(factor, Modality) for modality in factor.levels]
    for factor in factors:
        if isinstance(factor, TimeShift) and factor.distinctive:
            require(
                time.synchronous or not across or len(modalities) < 2,
                "Composition: TimeShift is distinctive, but time.synchronous is false: sound and picture of one window "
                "are no nearer than those of two; make them synchronous, or TimeShift invariant",
            )
        if isinstance(factor, Strength) and factor.distinctive:
            for modality in modalities:
                for one, other in combinations(factor.levels, 2):
                    require(
                        _at(modality, video, audio, one, colours) != _at(modality, video, audio, other, colours),
                        f"Composition: Strength is distinctive, but {modality} is augmented alike at {one:g} and "
                        f"{other:g}; add an augmentation of {modality} that weakens, or make Strength invariant",
                    )


def _at(
    modality: str,
    video: Sequence[VideoAugmentation],
    audio: Sequence[AudioAugmentation],
    strength: float,
    colours: bool,
) -> list[VideoAugmentation | AudioAugmentation]:
    """What perturbs a view of ``modality`` at ``strength``, without the steps that change nothing."""
    scaled: list[VideoAugmentation | AudioAugmentation] = (
        [at_strength(step, strength) for step in video]
        if modality == "video"
        else [at_strength(step, strength) for step in audio]
    )
    return [step for step in scaled if not step.idle(colours)]
