"""Check that views which differ in a distinctive factor also differ as network input."""

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
    """Return an augmentation scaled to ``strength``, from 0 (no effect except on the size) to 1 (unchanged)."""
    return step if strength == 1 else step.scaled(strength)


def check_distinguishable(
    factors: Iterable[Factor],
    time: Time,
    video: Sequence[VideoAugmentation],
    audio: Sequence[AudioAugmentation],
    across: bool,
    colours: bool = True,
) -> None:
    """Raise :class:`CompositionError` if views of different levels of a distinctive factor cannot be distinguished.

    A distinctive Strength needs augmentations that differ between its levels. A distinctive TimeShift needs synchronous
    windows if video and audio are compared. ``across`` is True if views of different modalities are compared in the
    loss, and ``colours`` is False for greyscale clips.
    """
    factors = tuple(factors)
    modalities = [modality for factor in factors if isinstance(factor, Modality) for modality in factor.levels]
    for factor in factors:
        if isinstance(factor, TimeShift) and factor.distinctive:
            require(
                time.synchronous or not across or len(modalities) < 2,
                "Composition: TimeShift is distinctive, but time.synchronous is false, so audio and video of a "
                "window start at different times; set time.synchronous, or make TimeShift invariant",
            )
        if isinstance(factor, Strength) and factor.distinctive:
            for modality in modalities:
                for first, second in combinations(factor.levels, 2):
                    require(
                        _at(modality, video, audio, first, colours) != _at(modality, video, audio, second, colours),
                        f"Composition: Strength is distinctive, but {modality} is augmented in the same way at "
                        f"{first:g} and {second:g}; add an augmentation of {modality} that depends on the strength, or "
                        "make Strength invariant",
                    )


def _at(
    modality: str,
    video: Sequence[VideoAugmentation],
    audio: Sequence[AudioAugmentation],
    strength: float,
    colours: bool,
) -> list[VideoAugmentation | AudioAugmentation]:
    """Return the augmentations of a view of ``modality`` at ``strength``, without those that have no effect."""
    scaled: list[VideoAugmentation | AudioAugmentation] = (
        [at_strength(step, strength) for step in video]
        if modality == "video"
        else [at_strength(step, strength) for step in audio]
    )
    return [step for step in scaled if not step.idle(colours)]
