from __future__ import annotations

import numpy as np
import pytest

from avgdt.data.manifest import Entry
from avgdt.evaluation.finetuning.task import Task
from avgdt.evaluation.plans import plan
from avgdt.evaluation.segments import segments
from avgdt.recipes.finetuning import Finetuning
from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import Optimiser, Schedule


@pytest.fixture(scope="session")
def quick() -> Finetuning:
    """Return finetuning settings with three epochs, enough to distinguish dark and bright videos."""
    return Finetuning(
        optimiser=Optimiser(kind="adamw", lr=3e-3),
        schedule=Schedule(epochs=3, warmup_epochs=1, shape="cosine"),
        batch=3,
        clips=4,
        test_clips=2,
    )


@pytest.fixture(scope="session")
def task(entries: list[Entry], recipe: Recipe) -> Task:
    """Return a task with the six train recordings and the four test recordings of two classes."""
    plans, skipped = plan(segments(entries, "light"), entries, recipe.clip, ("video",), 2)
    assert not skipped
    train, test = ([one for one in plans if one.segment.split == split] for split in ("train", "test"))
    targets = np.array([one.segment.label == "dark" for one in train], dtype=np.int64)
    return Task(entries, "video", train, targets, test, 2)
