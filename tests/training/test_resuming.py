"""Tests of options that may change on resume, runs that start from pretrained weights, and moved recordings."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from avgdt.data.manifest import read_manifest
from avgdt.errors import AvgdtError
from avgdt.models.weights import load_weights
from avgdt.recipes.config import read_yaml
from avgdt.recipes.model import Head
from avgdt.recipes.recipe import Data, Recipe
from avgdt.recipes.training import Objective
from avgdt.training.checkpoint_file import load_checkpoint
from avgdt.training.metrics import read_metrics
from avgdt.training.pretrain import pretrain, resumed_recipe
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("recordings"), 9)


def with_epochs(recipe: Recipe, epochs: int) -> Recipe:
    return replace(recipe, schedule=replace(recipe.schedule, epochs=epochs))


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_weights(out / "weights.safetensors")[0]


def test_a_finished_run_can_be_extended_to_more_epochs(folder: Path, tmp_path: Path) -> None:
    pretrain(with_epochs(tiny(), 5), folder, tmp_path / "long")
    pretrain(tiny(), folder, tmp_path / "short")
    pretrain(with_epochs(tiny(), 5), None, tmp_path / "short", resume=True)
    long, short = weights(tmp_path / "long"), weights(tmp_path / "short")
    assert all(torch.equal(long[name], short[name]) for name in long)
    assert read_yaml(tmp_path / "short" / "config.yaml").schedule.epochs == 5
    pretrain(with_epochs(tiny(), 5), None, tmp_path / "short", resume=True)  # the run is finished


def test_extending_a_cosine_schedule_raises_an_error_with_a_remedy(folder: Path, tmp_path: Path) -> None:
    cosine = tiny(schedule=replace(tiny().schedule, shape="cosine"))
    pretrain(cosine, folder, tmp_path / "run")
    with pytest.raises(AvgdtError, match=r"schedule\.epochs \(3 in the run, 5 now\); with the shape cosine") as error:
        pretrain(with_epochs(cosine, 5), None, tmp_path / "run", resume=True)
    instead = shlex.split(str(error.value).partition("weights: ")[2])
    from avgdt.cli.main import main

    assert main(instead[1:]) == 0
    assert read_yaml(tmp_path / "run-2" / "config.yaml").schedule.epochs == 5
    assert read_metrics(tmp_path / "run-2" / "metrics.jsonl")[-1]["step"] == 10


def test_learning_rate_and_weight_decay_may_change_on_resume(folder: Path, tmp_path: Path) -> None:
    pretrain(tiny(), folder, tmp_path / "a")
    changed = replace(with_epochs(tiny(), 4), optimiser=replace(tiny().optimiser, lr=0.01, weight_decay=0.5))
    pretrain(changed, None, tmp_path / "a", resume=True)
    state = load_checkpoint(tmp_path / "a" / "checkpoints" / "last.pt")[0]
    assert {group["weight_decay"] for group in state["optimiser"]["param_groups"]} == {0.5}
    assert {group["lr"] for group in state["optimiser"]["param_groups"]} == {0.01}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (tiny(objective=Objective(bank=12, momentum=0.9)), r"objective\.bank \(10 in the run, 12 now\)"),
        (tiny(run=replace(tiny().run, seed=1)), r"run\.seed \(0 in the run, 1 now\)"),
        (tiny(run=replace(tiny().run, batch=3)), r"run\.batch \(4 in the run, 3 now\)"),
        (tiny(model=replace(tiny().model, head=Head(8, 16))), r"model\.head\.out \(8 in the run, 16 now\)"),
        (with_epochs(tiny(), 1), r"schedule\.epochs: 1 is less than the 3 epochs"),
    ],
)
def test_fields_that_cannot_change_are_named_with_both_values(
    other: Recipe, message: str, folder: Path, tmp_path: Path
) -> None:
    pretrain(tiny(), folder, tmp_path / "run")
    with pytest.raises(AvgdtError, match=message):
        pretrain(other, None, tmp_path / "run", resume=True)


def test_a_new_run_can_start_from_a_run_or_a_weights_file(folder: Path, tmp_path: Path) -> None:
    frozen = tiny(optimiser=replace(tiny().optimiser, lr=1e-30, weight_decay=0.0))
    pretrain(tiny(), folder, tmp_path / "run")
    for number, start in enumerate((tmp_path / "run", tmp_path / "run" / "weights.safetensors")):
        pretrain(frozen, folder, tmp_path / f"new{number}", weights=start)
    (tmp_path / "run" / "weights.safetensors").rename(tmp_path / "kept")
    pretrain(frozen, folder, tmp_path / "new2", weights=tmp_path / "run")  # the weights of the checkpoint
    expected, _ = load_weights(tmp_path / "kept")
    for number in range(3):
        state = load_checkpoint(tmp_path / f"new{number}" / "checkpoints" / "last.pt")[0]
        for name in (name for name, _ in expected.items() if name.endswith("weight")):
            assert torch.equal(state["phi"][name], expected[name])
            assert torch.equal(state["key_encoder"][f"phi.{name}"], expected[name])
    with pytest.raises(AvgdtError, match=r"its networks differ: model\.head\.out \(8 in the file, 16 in the recipe\)"):
        pretrain(tiny(model=replace(tiny().model, head=Head(8, 16))), folder, tmp_path / "x", weights=tmp_path / "new0")
    with pytest.raises(AvgdtError, match="contains no weights"):
        pretrain(tiny(), folder, tmp_path / "y", weights=tmp_path / "nothing")


@pytest.mark.parametrize("way", ["folder", "folder above", "manifest"])
def test_moved_recordings_are_found_in_the_given_folder(way: str, folder: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new" / "place"
    shutil.copytree(folder, old / "a" / "b")
    names = sorted(path.name for path in folder.iterdir())
    (old / "list.csv").write_text("path\n" + "".join(f"a/b/{name}\n" for name in names))
    data = {"folder": old / "a" / "b", "folder above": old, "manifest": old / "list.csv"}[way]
    out = tmp_path / "run"
    recipe = tiny(data=Data(held_out_at_most=0))
    pretrain(recipe, data, out)
    new.parent.mkdir()
    shutil.move(old, new)
    moved = {"folder": new / "a" / "b", "folder above": new, "manifest": new / "list.csv"}[way]
    pretrain(with_epochs(recipe, 4), moved, out, resume=True)
    paths = {entry.path for entry in read_manifest(out / "manifest.csv") if not entry.error}
    assert paths == {new / "a" / "b" / name for name in names}
    assert read_metrics(out / "metrics.jsonl")[-1]["failed"] == 0
    assert read_metrics(out / "metrics.jsonl")[-1]["step"] == 8


def test_missing_or_different_moved_recordings_are_named(folder: Path, tmp_path: Path) -> None:
    old, new, out = tmp_path / "old", tmp_path / "new", tmp_path / "run"
    shutil.copytree(folder, old)
    pretrain(tiny(), old, out)
    before = (out / "manifest.csv").read_text()
    pretrain(
        with_epochs(tiny(), 4), old, out, resume=True
    )  # the recordings have not moved, so the manifest is unchanged
    assert (out / "manifest.csv").read_text() == before
    shutil.move(old, new)
    (new / "03.mkv").unlink()
    with pytest.raises(
        AvgdtError, match=r"03\.mkv: no such file; of the run's 9 recordings 1 are missing .* and 0 differ"
    ):
        pretrain(with_epochs(tiny(), 4), new, out, resume=True)
    shutil.copy(new / "04.mkv", new / "03.mkv")
    with pytest.raises(AvgdtError, match=r"03\.mkv: not the file .* 0 are missing .* and 1 differ"):
        pretrain(with_epochs(tiny(), 4), new, out, resume=True)
    with pytest.raises(AvgdtError, match=re.escape(str(tmp_path / "none"))):
        pretrain(with_epochs(tiny(), 4), tmp_path / "none", out, resume=True)
    assert (out / "manifest.csv").read_text() == before


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_an_edited_manifest_raises_an_error(rows: int, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    pretrain(tiny(), folder, out)
    lines = (out / "manifest.csv").read_text().splitlines(keepends=True)
    (out / "manifest.csv").write_text("".join(lines[: rows + 1]))
    with pytest.raises(
        AvgdtError, match=r"the checkpoint of .*run has 9 training recordings: restore its manifest\.csv"
    ):
        pretrain(tiny(), None, out, resume=True)


def test_a_missing_manifest_is_created_again_from_the_same_recordings(folder: Path, tmp_path: Path) -> None:
    out, more = tmp_path / "run", write_folder(tmp_path / "more", 10)
    pretrain(tiny(), folder, out)
    before = (out / "manifest.csv").read_text()
    (out / "manifest.csv").unlink()
    with pytest.raises(AvgdtError, match=r"manifest\.csv: cannot be read .*pretrain --resume --out .*run --data PATH$"):
        pretrain(tiny(), None, out, resume=True)
    with pytest.raises(AvgdtError, match=r"the recordings of its checkpoint differ from those of .*more: "):
        pretrain(tiny(), more, out, resume=True)
    assert not (out / "manifest.csv").exists()
    pretrain(with_epochs(tiny(), 4), folder, out, resume=True)
    assert (out / "manifest.csv").read_text() == before
    assert read_metrics(out / "metrics.jsonl")[-1]["step"] == 8


def test_a_run_without_its_config_resumes_from_its_checkpoint(tmp_path: Path) -> None:
    folder, out = write_folder(tmp_path / "own", 9), tmp_path / "run"
    pretrain(tiny(), folder, out)
    (out / "config.yaml").unlink()
    pretrain(resumed_recipe(out), None, out, resume=True)
    assert (out / "config.yaml").exists()
