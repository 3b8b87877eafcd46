from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avgdt.composition.audio_augmentations import Volume
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats, Reversal, Speed, TimeShift
from avgdt.recipes.config import from_plain, read_yaml, to_plain, write_yaml
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.named import RECIPES, named
from avgdt.recipes.recipe import Recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_named_recipe_is_read_back_from_yaml_unchanged(name: str, tmp_path: Path) -> None:
    write_yaml(named(name), tmp_path / "config.yaml")
    assert read_yaml(tmp_path / "config.yaml") == named(name)


def test_any_composition_is_read_back_from_yaml_unchanged(tmp_path: Path) -> None:
    composition = Composition(
        Modality(),
        TimeShift(0.5, distinctive=True),
        Reversal(invariant=True),
        Speed((1.0, 2.0, 0.5), distinctive=True),
        Repeats(2),
        audio=(Volume(),),
    )
    recipe = replace(named("paper"), composition=composition)
    write_yaml(recipe, tmp_path / "config.yaml")
    assert read_yaml(tmp_path / "config.yaml") == recipe


def changed(path: str, value: Any) -> dict[str, Any]:
    plain = to_plain(named("paper"))
    *parents, last = path.split(".")
    place = plain
    for parent in parents:
        place = place[int(parent)] if isinstance(place, list) else place[parent]
    place[last] = value
    return plain


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("run.bach", 3, "run.bach: no such field; did you mean 'batch'?"),
        ("run.batch", "3", "run.batch: expected int, not '3'"),
        ("run.precision", "fp33", "run.precision: 'fp33' is not among the choices; did you mean 'fp32'?"),
        ("composition.video.0.is", "RandomCorp", "composition.video.0.is: 'RandomCorp' is unknown; did you mean"),
        ("model.video.blocks", [2, 2, 2], "model.video.blocks: expected 4 values, not 3"),
        ("clip", 5, "clip: expected a mapping of fields, not 5"),
        ("schedule.is", "Run", "schedule.is: 'Run' is not allowed; use Schedule"),
    ],
)
def test_the_error_names_the_field_and_the_most_similar_name(path: str, value: Any, message: str) -> None:
    with pytest.raises(RecipeError) as raised:
        from_plain(Recipe, changed(path, value))
    assert str(raised.value).startswith(message)


def test_a_file_that_is_not_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: [")
    with pytest.raises(RecipeError, match=r"x\.yaml: is not valid YAML"):
        read_yaml(tmp_path / "x.yaml")
    with pytest.raises(RecipeError, match="cannot be read"):
        read_yaml(tmp_path / "none.yaml")


def test_reading_yaml_executes_no_code(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("!!python/object/apply:os.mkdir ['made']")
    with pytest.raises(RecipeError, match="is not valid YAML"):
        read_yaml(tmp_path / "x.yaml")


def test_the_paper_recipe_has_the_settings_of_the_paper() -> None:
    recipe = named("paper")
    assert (recipe.clip.frames, recipe.clip.height, recipe.clip.width, recipe.composition.crop) == (30, 128, 171, 112)
    assert (recipe.clip.video_seconds, recipe.clip.audio_seconds, recipe.log_mel.mels) == (1.0, 1.0, 40)
    assert (recipe.objective.temperature, recipe.objective.bank, recipe.objective.momentum) == (0.07, 15000, 0.999)
    assert (recipe.optimiser.kind, recipe.optimiser.lr, recipe.optimiser.weight_decay) == ("sgd", 0.01, 1e-5)
    assert (recipe.optimiser.momentum, recipe.schedule.epochs, recipe.schedule.warmup_epochs) == (0.9, 200, 10)
    assert (recipe.run.batch, recipe.model.head.hidden, recipe.model.head.out) == (1024, 512, 512)
    assert recipe.model.head.batch_norm == "none"
    assert len(recipe.composition.views) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title: 2024-99-99", "is not valid YAML: month must be in 1..12"),
        ("title: a\ntitle: b", "is not valid YAML: duplicate key 'title'"),
        ("title: a\nclip: {frames: 3, height: 4, frames: 5}", "is not valid YAML: duplicate key 'frames'"),
        (f"title: {'[' * 5000}{']' * 5000}", "brackets are nested too deeply"),
        (f"title: {'9' * 5000}", "is not valid YAML: Exceeds the limit"),
    ],
)
def test_invalid_files_raise_with_one_line(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=re.escape(says)) as refused:
        read_yaml(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"), [("1e-1", "write 0.1"), ("1e-9", "write 1.0e-09"), ("9" * 400, "expected float")]
)
def test_numbers_that_yaml_reads_as_text_raise_an_error(text: str, says: str, tmp_path: Path) -> None:
    write_yaml(named("small"), path := tmp_path / "wrong.yaml")
    path.write_text(re.sub("temperature: .*", f"temperature: {text}", path.read_text()))
    with pytest.raises(RecipeError, match=re.escape("objective.temperature: ") + f".*{says}"):
        read_yaml(path)
