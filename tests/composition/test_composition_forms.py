"""Tests of creating, reading, printing and changing a composition in Python, in YAML and on the command line."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, fields, replace

import pytest
import tyro

from avgdt.composition.audio_augmentations import SpecAugment, Volume
from avgdt.composition.composition import Composition
from avgdt.composition.errors import CompositionError
from avgdt.composition.factors import Modality, Repeats, Reversal, Speed, TimeShift
from avgdt.composition.video_augmentations import CentreCrop, Flip, RandomCrop
from avgdt.composition.view import Time
from avgdt.errors import AvgdtError

FULL = Composition(
    Modality(),
    TimeShift(at_least=0.5, distinctive=True),
    Reversal(invariant=True),
    time=Time(jitter=False),
    video=(RandomCrop(112), Flip(0.5)),
    audio=(Volume(), SpecAugment.mild()),
)


def test_factors_may_be_given_as_arguments_or_as_a_field() -> None:
    again = Composition(**{f.name: getattr(FULL, f.name) for f in fields(FULL)})
    assert again == FULL
    assert hash(again) == hash(FULL)
    assert Composition(factors=[Modality()], video=[Flip()]) == Composition(Modality(), video=(Flip(),))
    assert replace(FULL, factors=(Modality(),)) != FULL
    assert replace(FULL, partners="both").factors == FULL.factors


def test_compositions_compare_and_hash_by_value() -> None:
    FULL.views  # noqa: B018 (derived attributes must not affect equality)
    assert copy.deepcopy(FULL) == FULL
    assert pickle.loads(pickle.dumps(FULL)) == FULL
    with pytest.raises(FrozenInstanceError):
        FULL.partners = "both"  # type: ignore[misc]


def test_windows_shift_crop_and_modalities_are_derived_from_the_factors() -> None:
    assert FULL.windows == ("now", "later")
    assert FULL.shift == 0.5
    assert FULL.crop == 112
    assert FULL.modalities == ("video", "audio")
    plain = Composition(Modality(("audio",)), Repeats(2), partners="equal")
    assert (plain.windows, plain.shift, plain.crop, plain.modalities) == (("now",), 0.0, None, ("audio",))
    assert Composition(Modality(), video=(Flip(), CentreCrop(96))).crop == 96


def test_clips_shared_by_several_views_are_listed_once() -> None:
    assert FULL.clips == (("now", 1.0), ("later", 1.0))
    assert FULL.fastest == 1.0
    sped = replace(FULL, factors=(*FULL.factors, Speed((1.0, 3.0, 0.5), invariant=True)))
    assert len(sped.views) == 24
    assert sped.clips == tuple((window, speed) for window in ("now", "later") for speed in (1.0, 3.0, 0.5))
    assert (sped.windows, sped.fastest) == (("now", "later"), 3.0)
    assert sped.views[5].name == "video now reversed 0.5x"
    assert sped.views[5].clip == ("now", 0.5)


def test_describe_prints_the_views_and_both_matrices() -> None:
    assert FULL.describe() == (
        "T = 8 views of video and audio; different modalities are compared: 16 ordered pairs attract, 16 repel\n"
        "factors: Modality(), TimeShift(at_least=0.5, distinctive=True), Reversal(invariant=True)\n"
        "video: RandomCrop(size=112), Flip()\n"
        "audio: Volume(), SpecAugment(frequency_masks=1, frequency_width=2, time_masks=1, time_width=5)\n"
        "windows: Time(jitter=False)\n"
        "                        0 1 2 3 4 5 6 7\n"
        "0 video now             . . . . a a r r\n"
        "1 video now reversed    . . . . a a r r\n"
        "2 video later           . . . . r r a a\n"
        "3 video later reversed  . . . . r r a a\n"
        "4 audio now             a a r r . . . .\n"
        "5 audio now reversed    a a r r . . . .\n"
        "6 audio later           r r a a . . . .\n"
        "7 audio later reversed  r r a a . . . ."
    )


def test_describe_aligns_more_than_ten_views() -> None:
    lines = Composition(Modality(), Repeats(6)).describe().splitlines()
    assert len({len(line) for line in lines[-13:]}) == 1
    assert lines[-13].split() == [str(i) for i in range(12)]
    assert lines[-1] == "11 audio repeat 5   a  a  a  a  a  a  .  .  .  .  .  ."
    assert "video: no augmentation" in lines


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: TimeShift(0.5), "TimeShift: give exactly one of distinctive=True and invariant=True"),
        (lambda: Reversal(distinctive=True, invariant=True), "Reversal: give exactly one"),
        (lambda: TimeShift(0.0, invariant=True), "at_least must be above 0"),
        (lambda: Speed((2.0, 1.0), invariant=True), "Speed: the first level must be 1"),
        (lambda: Speed((), invariant=True), "Speed: the first level must be 1"),
        (lambda: Speed((1.0, 2.0, 2.0), invariant=True), "Speed: levels must be distinct"),
        (lambda: Speed((1.0, -2.0), invariant=True), "Speed: all levels must be above 0"),
        (lambda: Speed((1.0, float("nan")), invariant=True), "Speed: all levels must be above 0"),
        (lambda: Speed(), "Speed: give exactly one"),
        (lambda: Repeats(0), "count must be at least 1"),
        (lambda: Modality(()), "Modality: levels must be video, audio"),
        (lambda: Modality(("audio", "audio")), "Modality: levels must be video, audio"),
        (lambda: Modality(("smell",)), "Modality: levels must be video, audio"),  # type: ignore[arg-type]
        (lambda: Composition(), r"must include Modality\(\)"),
        (lambda: Composition(Reversal(invariant=True)), r"must include Modality\(\)"),
        (lambda: Composition(Modality(), Repeats(2), Repeats(3)), "only one factor may set a view's repeat"),
        (lambda: Composition(Modality(("video",))), "no view attracts another"),
        (lambda: Composition(Modality(), partners="others"), "partners must be one of different, equal, both"),  # type: ignore[arg-type]
        (lambda: Composition(Modality(), video=(RandomCrop(9), CentreCrop(8))), "video may have only one crop"),
        (lambda: RandomCrop(0), "RandomCrop: size"),
        (lambda: CentreCrop(-1), "CentreCrop: size"),
        (lambda: Flip(1.5), "Flip: probability"),
        (lambda: SpecAugment(1, -2, 1, 5), "SpecAugment"),
        (lambda: Volume(1.2, 0.8), "Volume: low <= high"),
    ],
)
def test_invalid_values_raise_with_one_line(make, says) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CompositionError, match=says) as caught:
        make()
    assert isinstance(caught.value, AvgdtError)
    assert "\n" not in str(caught.value)


def test_spec_augment_offers_the_settings_of_the_paper() -> None:
    def numbers(masks: SpecAugment) -> tuple[int, ...]:
        return (masks.frequency_masks, masks.frequency_width, masks.time_masks, masks.time_width)

    assert numbers(SpecAugment.mild()) == (1, 2, 1, 5)
    assert numbers(SpecAugment.medium()) == (1, 3, 1, 6)
    assert numbers(SpecAugment.strong()) == (2, 3, 2, 6)
    assert numbers(SpecAugment.none()) == (0, 0, 0, 0)


@dataclass(frozen=True)
class Nested:
    composition: Composition


def on_the_command_line(*options: str, default: Composition = FULL) -> Composition:
    return tyro.cli(Nested, default=Nested(default), config=(tyro.conf.AvoidSubcommands,), args=options).composition


def test_the_command_line_sets_every_part() -> None:
    assert on_the_command_line() == FULL
    assert on_the_command_line(default=Composition(Modality())) == Composition(Modality())
    changed = on_the_command_line(
        *("--composition.video.0.size", "96"),
        *("--composition.factors.1.at-least", "1.5"),
        *("--composition.audio.1.time-width", "9"),
        *("--composition.time.jitter", "--composition.partners", "both"),
    )
    assert changed.video == (RandomCrop(96), Flip(0.5))
    assert changed.factors[1] == TimeShift(1.5, distinctive=True)
    assert changed.audio == (Volume(), SpecAugment(1, 2, 1, 9))
    assert changed.time == Time()
    assert changed.partners == "both"


def test_the_command_line_sets_the_speeds() -> None:
    sped = Composition(Modality(), Speed(invariant=True))
    changed = on_the_command_line("--composition.factors.1.levels", "1", "1.5", "4", default=sped)
    assert changed.factors[1] == Speed((1.0, 1.5, 4.0), invariant=True)


def test_the_command_line_rejects_the_values_that_python_rejects() -> None:
    with pytest.raises(CompositionError, match="RandomCrop: size"):
        on_the_command_line("--composition.video.0.size", "0")
