from __future__ import annotations

import pytest

from avgdt.composition.audio_augmentations import Equaliser, Mix, Noise, SpecAugment, Volume
from avgdt.composition.distinguishable import at_strength
from avgdt.composition.errors import CompositionError
from avgdt.composition.factors import Strength
from avgdt.composition.video_augmentations import (
    Blur,
    CentreCrop,
    ColourJitter,
    Flip,
    Grey,
    RandomCrop,
    RandomResizedCrop,
    ShortSideJitter,
)

VIDEO = (
    (Flip(0.5), Flip(0.25), Flip(0)),
    (Grey(0.2), Grey(0.1), Grey(0)),
    (Blur(0.1, 2, 0.5), Blur(0.1, 2, 0.25), Blur(0.1, 2, 0)),
    (ColourJitter(0.4, 0.2, 0.4, 0.1), ColourJitter(0.2, 0.1, 0.2, 0.05), ColourJitter(0, 0, 0, 0)),
    (ShortSideJitter(128, 160), ShortSideJitter(136, 152), ShortSideJitter(144, 144)),
    (
        RandomResizedCrop(112, (0.2, 1.0), (0.25, 4.0)),
        RandomResizedCrop(112, (0.6, 1.0), (0.5, 2.0)),
        RandomResizedCrop(112, (1.0, 1.0), (1.0, 1.0)),
    ),
    (RandomCrop(112), RandomCrop(112), CentreCrop(112)),
    (CentreCrop(112), CentreCrop(112), CentreCrop(112)),
)
AUDIO = (
    (Volume(0.5, 1.5), Volume(0.75, 1.25), Volume(1, 1)),
    (Equaliser(9, 8), Equaliser(4.5, 8), Equaliser(0, 8)),
    (Mix(0.1, 0.3), Mix(0.05, 0.15), Mix(0, 0)),
    (Noise(10, 30, 0.5), Noise(10, 30, 0.25), Noise(10, 30, 0)),
    (SpecAugment(2, 6, 1, 20), SpecAugment(2, 3, 1, 10), SpecAugment(2, 0, 1, 0)),
)


@pytest.mark.parametrize(("whole", "half", "none"), VIDEO)
def test_strength_scales_video_augmentations(whole: object, half: object, none: object) -> None:
    assert [at_strength(whole, strength) for strength in (1.0, 0.5, 0.0)] == [whole, half, none]  # type: ignore[arg-type]


@pytest.mark.parametrize(("whole", "half", "none"), AUDIO)
def test_strength_scales_audio_augmentations(whole: object, half: object, none: object) -> None:
    assert [at_strength(whole, strength) for strength in (1.0, 0.5, 0.0)] == [whole, half, none]  # type: ignore[arg-type]


def test_strengths_must_be_unique_and_between_0_and_1() -> None:
    for levels, message in (
        ((0.5, 0.5), "one or more distinct values"),
        ((1.5,), "between 0 and 1"),
        ((), "one or more distinct values"),
    ):
        with pytest.raises(CompositionError, match=message):
            Strength(levels, invariant=True)
    with pytest.raises(CompositionError, match="give exactly one"):
        Strength()
