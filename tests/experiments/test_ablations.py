from __future__ import annotations

from dataclasses import replace

import pytest

from avgdt.composition.audio_augmentations import SpecAugment, Volume
from avgdt.experiments.ablate import ablation_cells
from avgdt.experiments.ablations import ABLATIONS, ablation, with_epochs, with_spec_augment
from avgdt.experiments.errors import ExperimentError
from avgdt.recipes.named import named, with_composition
from avgdt.training.resuming import differences


def test_jitter_cells_differ_only_in_jitter_and_length() -> None:
    recipe = named("demo")
    cells = ablation("jitter").cells(recipe)
    assert [dict(cell.levels) for cell in cells] == [
        {"jitter": jitter, "epochs": epochs} for epochs in ("18", "36") for jitter in ("off", "on")
    ]
    for cell in cells:
        changed = differences(recipe, cell.recipe)
        assert changed.keys() <= {"composition.time.jitter", "schedule.epochs", "schedule.warmup_epochs"}
        assert cell.recipe.composition.time.jitter == (dict(cell.levels)["jitter"] == "on")
        assert str(cell.recipe.schedule.epochs) == dict(cell.levels)["epochs"]


def test_audio_cells_have_the_masks_of_table_1b() -> None:
    cells = ablation("audio").cells(named("paper"))
    masks = {"mild": SpecAugment(1, 2, 1, 5), "medium": SpecAugment(1, 3, 1, 6), "strong": SpecAugment(2, 3, 2, 6)}
    assert len(cells) == 8
    for cell in cells:
        levels = dict(cell.levels)
        expected = () if levels["SpecAugment"] == "none" else (masks[levels["SpecAugment"]],)
        assert cell.recipe.composition.audio == expected
        assert cell.recipe.composition.time.synchronous == (levels["windows"] == "synchronous")


def test_other_audio_augmentations_are_kept() -> None:
    recipe = named("released")
    assert with_spec_augment(recipe, SpecAugment.none()).composition.audio == (Volume(0.9, 1.1),)
    assert with_spec_augment(recipe, SpecAugment.strong()).composition.audio == (Volume(0.9, 1.1), SpecAugment.strong())


def test_a_distinctive_time_shift_excludes_independent_windows() -> None:
    with pytest.raises(ExperimentError, match="add --composition modality"):
        ablation_cells(ablation("audio"), named("demo"))
    assert len(ablation_cells(ablation("audio"), with_composition(named("demo"), "modality"))) == 8


@pytest.mark.parametrize("name", ["demo", "demo-bank", "paper"])
def test_sensitivity_changes_one_setting_at_a_time(name: str) -> None:
    recipe = named(name)
    baseline, *cells = ablation("sensitivity").cells(recipe)
    assert baseline.recipe == recipe
    for cell in cells:
        changed = differences(recipe, cell.recipe)
        assert changed
        assert len({field.partition(".")[0] for field in changed}) == 1
    has_bank = recipe.objective.negatives == "bank"
    assert any(cell.levels[0][1].startswith("momentum") for cell in cells) == has_bank


def test_names_of_cells_are_distinct_and_valid_as_folders() -> None:
    for study in ABLATIONS:
        names = [cell.name for cell in study.cells(with_composition(named("demo-bank"), "modality"))]
        assert len(set(names)) == len(names)
        assert not any(set(name) & set("/ \\") for name in names)


def test_an_unknown_ablation_raises_an_error_with_a_suggestion() -> None:
    with pytest.raises(ExperimentError, match="did you mean 'jitter'"):
        ablation("jiter")


def test_a_recipe_of_one_epoch_keeps_its_length() -> None:
    recipe = named("demo")
    recipe = replace(recipe, schedule=replace(recipe.schedule, epochs=1))
    assert {cell.recipe.schedule.epochs for cell in ablation("jitter").cells(recipe)} == {1}
    assert len(ablation("jitter").cells(recipe)) == 2


def test_a_shorter_recipe_scales_its_learning_rate_schedule() -> None:
    recipe = with_epochs(named("released"), 100)
    assert (recipe.schedule.epochs, recipe.schedule.warmup_epochs, recipe.schedule.steps) == (100, 5.0, (75, 88))
