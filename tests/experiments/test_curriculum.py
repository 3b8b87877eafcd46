from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from avgdt.composition.audio_augmentations import SpecAugment
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats, TimeShift
from avgdt.experiments.curriculum import (
    STRATA,
    curriculum_cell,
    curriculum_monitors,
    curriculum_outcome,
    gradient_norms,
    read_curriculum,
)
from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.grid import Grid
from avgdt.recipes.named import named
from tests.helpers.recipes import tiny


def test_gradient_norms_equal_those_of_autograd() -> None:
    torch.manual_seed(0)
    queries, keys = (F.normalize(torch.randn(7, 5, dtype=torch.float64), dim=1) for _ in range(2))
    queries.requires_grad_()
    logits = queries @ keys.T / 0.2
    F.cross_entropy(logits, torch.arange(7), reduction="sum").backward()
    probability, norms = gradient_norms(queries.detach(), keys, 0.2)
    assert queries.grad is not None
    assert torch.allclose(norms, queries.grad.norm(dim=1))
    assert torch.allclose(probability, torch.softmax(logits.detach(), dim=1).diagonal())


def test_a_pair_of_probability_one_has_no_gradient() -> None:
    keys = torch.eye(4)
    probability, norms = gradient_norms(keys, keys, 0.01)
    assert torch.allclose(probability, torch.ones(4))
    assert norms.max() < 1e-6


def test_each_stratum_has_stronger_augmentations() -> None:
    compositions = [stratum.recipe(named("demo")).composition for stratum in STRATA]
    assert [len(composition.views) for composition in compositions] == [2] * 5
    assert [composition.time.jitter for composition in compositions] == [False, True, True, True, True]
    masks = [[step for step in composition.audio if isinstance(step, SpecAugment)] for composition in compositions]
    assert masks == [[], [], [SpecAugment.mild()], [SpecAugment.medium()], [SpecAugment.strong()]]
    repeated = replace(named("demo"), composition=Composition(Modality(), Repeats(2), TimeShift(0.4, invariant=True)))
    assert [view.name for view in STRATA[0].recipe(repeated).composition.views] == ["video", "audio"]
    assert all(composition.video == named("demo").composition.video for composition in compositions)


def test_unsuitable_recipes_raise_errors() -> None:
    with pytest.raises(ExperimentError, match="needs video and audio"):
        curriculum_cell(named("audio"))
    recipe = named("demo")
    with pytest.raises(ExperimentError, match=r"run\.monitor_epochs: 0 disables measurements"):
        curriculum_cell(replace(recipe, run=replace(recipe.run, monitor_epochs=0)))


def test_every_stratum_is_measured_and_averaged_over_seeds(labelled: Path, tmp_path: Path) -> None:
    recipe = curriculum_cell(replace(tiny(), run=replace(tiny().run, monitor_epochs=1)))
    monitors = partial(curriculum_monitors, recordings=6)
    grid = Grid((recipe,), (0, 1), labelled, tmp_path, (), monitors, "6 recordings")
    with pytest.raises(ExperimentError, match="no seed is complete"):
        curriculum_outcome(grid)
    for job in grid.jobs:
        assert grid.run(job, lambda line: None, lambda metrics: None) == {}
    curves = {job.seed: read_curriculum(job.run) for job in grid.jobs}
    for metrics in curves.values():
        assert [line["epoch"] for line in metrics] == [1, 2, 3]
        for line in metrics:
            assert list(line["strata"]) == [stratum.name for stratum in STRATA]
            assert sum(each["gradient_share"] for each in line["strata"].values()) == pytest.approx(1)
            assert all(0 <= each["accuracy"] <= 1 for each in line["strata"].values())
    outcome = curriculum_outcome(grid)
    accuracy, fractions, _ = outcome.plots
    assert accuracy.series[0].x == (1.0, 2.0, 3.0)
    last = [curves[seed][-1]["strata"]["jitter"]["gradient_share"] for seed in (0, 1)]
    assert fractions.series[1].y[-1] == pytest.approx(sum(last) / 2)
    assert len(outcome.answers) == 2
    assert len(outcome.tables[0].rows) == 5 * 2 * 3
