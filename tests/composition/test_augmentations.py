"""Tests of augmentations: bounds, and use in a composition, in YAML and on the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import pytest
import tyro

from avgdt.composition.audio_augmentations import AudioAugmentation, Equaliser, Mix, Noise, SpecAugment, Volume
from avgdt.composition.composition import Composition
from avgdt.composition.errors import CompositionError
from avgdt.composition.factors import Modality
from avgdt.composition.video_augmentations import (
    Blur,
    CentreCrop,
    ColourJitter,
    Flip,
    Grey,
    RandomCrop,
    RandomResizedCrop,
    ShortSideJitter,
    VideoAugmentation,
)
from avgdt.recipes.config import read_yaml, write_yaml
from avgdt.recipes.named import named

DOCUMENT = Path(__file__).parents[2] / "docs" / "augmentations.md"
NAN, INFINITE = float("nan"), float("inf")
ALL = Composition(
    Modality(),
    video=(ShortSideJitter(128, 160), RandomCrop(112), Flip(), ColourJitter(hue=0.1), Grey(0.3), Blur(0.2, 1.5)),
    audio=(Volume(), Equaliser(6, 8), Noise(5, 20), Mix(0.1, 0.2, 0.9), SpecAugment(3, 4, 5, 6)),
)
RESIZED = Composition(Modality(), video=(RandomResizedCrop(112, (0.2, 0.9)), Flip(0.5)))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ShortSideJitter(0, 3), "ShortSideJitter: low must be above 0 pixels, not 0"),
        (lambda: ShortSideJitter(9, 8), "ShortSideJitter: low <= high must hold"),
        (lambda: RandomResizedCrop(0), "RandomResizedCrop: size"),
        (lambda: RandomResizedCrop(9, (0.0, 1.0)), "RandomResizedCrop: scale must be two fractions"),
        (lambda: RandomResizedCrop(9, (0.5, 1.5)), "RandomResizedCrop: scale"),
        (lambda: RandomResizedCrop(9, ratio=(2.0, 1.0)), "RandomResizedCrop: the first ratio <= the second"),
        (lambda: RandomResizedCrop(9, ratio=(0.0, 1.0)), "RandomResizedCrop: ratio must be above 0"),
        (lambda: ColourJitter(brightness=1.5), "ColourJitter: brightness must be between 0 and 1, not 1.5"),
        (lambda: ColourJitter(contrast=-0.1), "ColourJitter: contrast"),
        (lambda: ColourJitter(saturation=NAN), "ColourJitter: saturation"),
        (lambda: ColourJitter(hue=0.6), r"ColourJitter: hue must be between 0 and 0\.5, not 0\.6"),
        (lambda: Grey(-0.1), "Grey: probability must be between 0 and 1"),
        (lambda: Blur(0.0, 1.0), "Blur: low must be above 0 pixels"),
        (lambda: Blur(2.0, 1.0), "Blur: low <= high"),
        (lambda: Blur(1.0, INFINITE), "Blur: low <= high must hold, and both must be finite"),
        (lambda: Blur(probability=2), "Blur: probability"),
        (lambda: Noise(30.0, 10.0), "Noise: low <= high"),
        (lambda: Noise(NAN, 10.0), "Noise: low <= high"),
        (lambda: Noise(probability=NAN), "Noise: probability"),
        (lambda: Mix(0.5, 1.5), "Mix: 0 <= low <= high <= 1 must hold, not 0.5 and 1.5"),
        (lambda: Mix(probability=-1), "Mix: probability"),
        (
            lambda: Composition(Modality(), video=(ShortSideJitter(9, 9),)),
            "followed directly by RandomCrop or CentreCrop",
        ),
        (lambda: Composition(Modality(), video=(ShortSideJitter(9, 9), Flip(), RandomCrop(9))), "followed directly"),
        (lambda: Composition(Modality(), video=(ShortSideJitter(9, 9), RandomResizedCrop(9))), "followed directly"),
        (
            lambda: Composition(Modality(), video=(ShortSideJitter(9, 12), RandomCrop(10))),
            "a crop of 10 does not fit into a short side of 9 pixels; lower its size or raise ShortSideJitter's low",
        ),
        (lambda: Composition(Modality(), video=(CentreCrop(9), RandomResizedCrop(9))), "video may have only one crop"),
    ],
)
def test_invalid_values_raise_with_one_line(make: Callable[[], object], says: str) -> None:
    with pytest.raises(CompositionError, match=says) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("composition", [ALL, RESIZED])
def test_augmentations_are_read_back_from_yaml_unchanged(composition: Composition, tmp_path: Path) -> None:
    recipe = replace(named("paper"), composition=composition)
    write_yaml(recipe, tmp_path / "config.yaml")
    assert read_yaml(tmp_path / "config.yaml") == recipe


def test_every_augmentation_is_covered_by_these_tests() -> None:
    tried = {type(step) for step in (*ALL.video, *ALL.audio, *RESIZED.video)} | {CentreCrop}
    assert tried == {*get_args(VideoAugmentation), *get_args(AudioAugmentation)}


def test_the_evaluation_crop_has_the_side_of_the_training_crop() -> None:
    assert ALL.crop == RESIZED.crop == 112


def test_augmentations_print_as_constructor_calls() -> None:
    lines = ALL.describe().splitlines()
    assert lines[2] == (
        "video: ShortSideJitter(low=128, high=160), RandomCrop(size=112), Flip(), ColourJitter(hue=0.1), "
        "Grey(probability=0.3), Blur(low=0.2, high=1.5)"
    )
    assert lines[3].startswith("audio: Volume(), Equaliser(decibels=6, points=8), Noise(low=5, high=20), Mix(")


@dataclass(frozen=True)
class Nested:
    composition: Composition


def test_the_command_line_sets_augmentations() -> None:
    def changed(default: Composition, *options: str) -> Composition:
        config = (tyro.conf.AvoidSubcommands,)
        return tyro.cli(Nested, default=Nested(default), config=config, args=options).composition

    assert changed(ALL) == ALL
    other = changed(ALL, "--composition.video.3.hue", "0.2", "--composition.audio.3.low", "0.15")
    assert other.video[3] == ColourJitter(hue=0.2)
    assert other.audio[3] == Mix(0.15, 0.2, 0.9)
    assert changed(RESIZED, "--composition.video.0.scale", "0.5", "0.6").video[0] == RandomResizedCrop(112, (0.5, 0.6))


def test_the_documentation_shows_an_image_of_each_augmentation() -> None:
    text = DOCUMENT.read_text()
    images = dict(re.findall(r"### (\w+)\n.*?!\[[^]]+\]\(([^)]+)\)", text, re.DOTALL))
    names = {kind.__name__ for kind in (*get_args(VideoAugmentation), *get_args(AudioAugmentation))}
    assert set(images) == names
    assert len(set(images.values())) == len(names)
    assert all((DOCUMENT.parent / image).is_file() for image in images.values())
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(code, {})
