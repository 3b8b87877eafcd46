from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from avgdt.recipes.clip import Clip, LogMel, Normalisation
from avgdt.recipes.data import Data
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.model import Head, VideoEncoder
from avgdt.recipes.named import RECIPES, named
from avgdt.recipes.training import Objective, Optimiser, Run, Schedule

NAN = float("nan")


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Run(seed=-1), "run.seed"),
        (lambda: Run(seed=2**32), "run.seed"),
        (lambda: Run(batch=1), "run.batch"),
        (lambda: Run(workers=-2), "run.workers"),
        (lambda: Run(monitor_epochs=-1), "run.monitor_epochs"),
        (lambda: Run(checkpoint_minutes=-1), "run.checkpoint_minutes"),
        (lambda: Data(held_out_at_most=-1), "data.held_out_at_most"),
        (lambda: Schedule(epochs=0), "schedule.epochs"),
        (lambda: Schedule(steps=(9, -5)), "schedule.steps.1"),
        (lambda: Schedule(warmup_epochs=-1), "schedule.warmup_epochs"),
        (lambda: Optimiser(lr=0), "optimiser.lr"),
        (lambda: Optimiser(lr=NAN), "optimiser.lr"),
        (lambda: Optimiser(momentum=1.5), "optimiser.momentum"),
        (lambda: Optimiser(kind="adamw", momentum=1.0), "optimiser.momentum"),
        (lambda: Optimiser(weight_decay=-1), "optimiser.weight_decay"),
        (lambda: Objective(temperature=0), "objective.temperature"),
        (lambda: Objective(temperature=NAN), "objective.temperature"),
        (lambda: Objective(temperature=1e-320), "objective.temperature"),
        (lambda: Objective(bank=0), "objective.bank"),
        (lambda: Objective(momentum=-0.1), "objective.momentum"),
        (lambda: Objective(key_groups=0), "objective.key_groups"),
        (lambda: Clip(frames=0), "clip.frames"),
        (lambda: Clip(frame_rate=0), "clip.frame_rate"),
        (lambda: Clip(audio_seconds=0), "clip.audio_seconds"),
        (lambda: Clip(audio_seconds=1e-9), "clip.audio_seconds"),
        (lambda: Clip(sample_rate=0), "clip.sample_rate"),
        (lambda: Normalisation(std=0), "normalisation.std"),
        (lambda: LogMel(step=0), "log_mel.step"),
        (lambda: LogMel(window=-1), "log_mel.window"),
        (lambda: LogMel(std=0), "log_mel.std"),
        (lambda: LogMel(mels=0), "log_mel.mels"),
        (lambda: VideoEncoder(channels=2), "model.video.channels"),
        (lambda: Head(dropout=-0.1), "model.head.dropout"),
        (lambda: Head(dropout=1.0), "model.head.dropout"),
        (lambda: Head(dropout=NAN), "model.head.dropout"),
    ],
)
def test_a_number_out_of_bounds_is_refused_by_the_name_of_its_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(RecipeError, match=rf"^{field}: .* use "):
        make()


def test_more_key_groups_than_recordings_in_a_batch_are_refused_where_keys_are_used() -> None:
    recipe = named("paper")
    many = replace(recipe.objective, key_groups=recipe.run.batch + 1)
    with pytest.raises(RecipeError, match=r"objective\.key_groups: 17 is more than run\.batch, 16"):
        replace(recipe, objective=many)
    replace(recipe, objective=replace(many, negatives="batch"))


@pytest.mark.parametrize("name", RECIPES)
def test_every_named_recipe_is_within_bounds(name: str) -> None:
    assert named(name).schedule.epochs >= 1
