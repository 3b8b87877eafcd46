"""Tests of the check that a distinctive factor changes the inputs of the networks."""

from __future__ import annotations

import pytest

from avgdt.composition.audio_augmentations import AudioAugmentation, Mix, SpecAugment, Volume
from avgdt.composition.composition import Composition
from avgdt.composition.errors import CompositionError
from avgdt.composition.factors import Modality, Repeats, Strength, TimeShift
from avgdt.composition.video_augmentations import CentreCrop, Flip, RandomCrop, VideoAugmentation
from avgdt.composition.view import Time

LOUDER = Volume(0.5, 1.5)


@pytest.mark.parametrize(
    ("levels", "video", "audio", "alike"),
    [
        ((0.0, 1.0), (Flip(),), (), "audio is augmented in the same way at 0 and 1"),
        ((0.0, 1.0), (CentreCrop(24),), (LOUDER,), "video is augmented in the same way at 0 and 1"),
        ((0.0, 1.0), (Flip(),), (SpecAugment.none(),), "audio is augmented in the same way at 0 and 1"),
        (
            (0.5, 1.0),
            (Flip(),),
            (SpecAugment(0, 5, 0, 5), Mix(0.1, 0.3, 0.0)),
            "audio is augmented in the same way at 0.5 and 1",
        ),
        ((0.5, 1.0), (RandomCrop(24),), (LOUDER,), "video is augmented in the same way at 0.5 and 1"),
        ((0.9, 1.0, 0.0), (Flip(),), (SpecAugment(1, 3, 1, 3),), "audio is augmented in the same way at 0.9 and 1"),
    ],
)
def test_distinctive_strengths_with_equal_augmentations_raise(
    levels: tuple[float, ...], video: tuple[VideoAugmentation, ...], audio: tuple[AudioAugmentation, ...], alike: str
) -> None:
    with pytest.raises(CompositionError, match=f"Strength is distinctive, but {alike}; add an augmentation"):
        Composition(Modality(), Strength(levels, distinctive=True), video=video, audio=audio)
    Composition(Modality(), Strength(levels, invariant=True), video=video, audio=audio)


def test_distinctive_strengths_with_different_augmentations_are_valid() -> None:
    Composition(Modality(), Strength((0.0, 1.0), distinctive=True), video=(RandomCrop(24),), audio=(LOUDER,))
    audio = Modality(("audio",)), Repeats(2), Strength((0.0, 0.5, 1.0), distinctive=True)
    Composition(*audio, audio=(LOUDER,), partners="equal")  # augmentations of the other modality do not matter


def test_a_distinctive_shift_requires_synchronous_windows() -> None:
    apart, loose = TimeShift(0.5, distinctive=True), Time(synchronous=False)
    for partners in ("different", "both"):
        with pytest.raises(CompositionError, match=r"TimeShift is distinctive, but time\.synchronous is false"):
            Composition(Modality(), Repeats(2), apart, time=loose, partners=partners)  # type: ignore[arg-type]
    Composition(Modality(), Repeats(2), apart, time=loose, partners="equal")
    Composition(Modality(), TimeShift(0.5, invariant=True), time=loose)
