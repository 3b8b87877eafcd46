"""A minimal recipe, which trains real networks with few channels on clips of few frames."""

from __future__ import annotations

from dataclasses import replace

from avgdt.composition.audio_augmentations import SpecAugment
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality
from avgdt.composition.video_augmentations import Flip, RandomCrop
from avgdt.recipes.clip import Clip, LogMel
from avgdt.recipes.model import AudioEncoder, Head, Model, VideoEncoder
from avgdt.recipes.recipe import Data, Recipe
from avgdt.recipes.training import Objective, Optimiser, Run, Schedule


def tiny(**changes: object) -> Recipe:
    """Return a recipe that trains in milliseconds on recordings of 1 s, with ``changes`` to its fields."""
    recipe = Recipe(
        title="tiny",
        composition=Composition(Modality(), video=(RandomCrop(24), Flip()), audio=(SpecAugment.mild(),)),
        data=Data(held_out_at_most=2),
        clip=Clip(frames=4, frame_rate=8.0, height=24, width=32, audio_seconds=0.5, sample_rate=8000),
        log_mel=LogMel(mels=16, fft=256, high=4000.0),
        model=Model(VideoEncoder((1, 1, 1, 1), 4), AudioEncoder((1, 1, 1, 1), 4), Head(8, 8)),
        objective=Objective(bank=10, momentum=0.9),
        optimiser=Optimiser(lr=0.05),
        schedule=Schedule(epochs=3, warmup_epochs=1),
        run=Run(batch=4, workers=0, device="cpu", precision="fp32"),
    )
    return replace(recipe, **changes)  # type: ignore[arg-type]
