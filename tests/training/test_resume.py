"""Tests that a resumed run ends bit-identical to an uninterrupted run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from avgdt.composition.audio_augmentations import Equaliser, Mix, Noise, SpecAugment, Volume
from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Speed
from avgdt.composition.video_augmentations import Blur, ColourJitter, Flip, Grey, RandomCrop, ShortSideJitter
from avgdt.errors import AvgdtError
from avgdt.files import read_json_lines
from avgdt.recipes.model import Head
from avgdt.recipes.recipe import Data, Recipe
from avgdt.recipes.training import Objective, Optimiser
from avgdt.training.checkpoint_file import load_checkpoint
from avgdt.training.pretrain import Callbacks, pretrain
from avgdt.training.provenance import SESSIONS
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("recordings"), 11)


def stop_at(step: int) -> Any:
    def logged(metrics: dict[str, Any]) -> None:
        if metrics["step"] == step:
            raise KeyboardInterrupt

    return logged


def state_of(out: Path) -> Any:
    return load_checkpoint(out / "checkpoints" / "last.pt")[0]


def equal(first: Any, second: Any) -> bool:
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(equal(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(equal(x, y) for x, y in zip(first, second, strict=True))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else bool(first == second)


RECIPES = {
    "bank": tiny(),
    "batch": tiny(objective=Objective(negatives="batch"), optimiser=Optimiser("adamw", 1e-3)),
    "dropout": tiny(
        model=replace(tiny().model, head=Head(8, 8, batch_norm="hidden", dropout=0.5)),
        objective=Objective(negatives="batch", detach_keys=True),
    ),
    "speed": tiny(composition=Composition(Modality(), Speed((1.0, 1.5), distinctive=True))),
    "augmented": tiny(
        composition=Composition(
            Modality(),
            video=(ShortSideJitter(24, 40), RandomCrop(24), Flip(), ColourJitter(hue=0.1), Grey(), Blur()),
            audio=(Volume(), Equaliser(), Noise(), Mix(), SpecAugment.strong()),
        )
    ),
}


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize(("step", "workers"), [(1, 0), (2, 2), (3, 1), (5, 0)])
def test_a_resumed_run_ends_with_the_same_bits(
    name: str, step: int, workers: int, folder: Path, tmp_path: Path
) -> None:
    recipe: Recipe = RECIPES[name]
    pretrain(recipe, folder, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        pretrain(recipe, folder, tmp_path / "broken", callbacks=Callbacks(on_metrics=stop_at(step)))
    assert state_of(tmp_path / "broken")["step"] == step
    pretrain(replace(recipe, run=replace(recipe.run, workers=workers)), folder, tmp_path / "broken", resume=True)
    assert equal(state_of(tmp_path / "whole"), state_of(tmp_path / "broken"))
    assert (tmp_path / "whole" / "weights.safetensors").stat().st_size > 0
    losses = [
        [json.loads(line)["loss"] for line in (tmp_path / run / "metrics.jsonl").read_text().splitlines()]
        for run in ("whole", "broken")
    ]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 6


def test_another_seed_gives_other_weights(folder: Path, tmp_path: Path) -> None:
    recipe = tiny()
    pretrain(recipe, folder, tmp_path / "a")
    pretrain(replace(recipe, run=replace(recipe.run, seed=1)), folder, tmp_path / "b")
    assert not equal(state_of(tmp_path / "a")["phi"], state_of(tmp_path / "b")["phi"])


def test_recordings_added_later_do_not_change_a_resumed_run(folder: Path, tmp_path: Path) -> None:
    recordings = write_folder(tmp_path / "own", 10)
    with pytest.raises(KeyboardInterrupt):
        pretrain(tiny(), recordings, tmp_path / "run", callbacks=Callbacks(on_metrics=stop_at(1)))
    write_folder(recordings, 12)
    pretrain(tiny(), recordings, tmp_path / "run", resume=True)
    assert len(load_checkpoint(tmp_path / "run" / "checkpoints" / "last.pt")[2]) == 9


def test_another_recipe_cannot_resume_a_run(folder: Path, tmp_path: Path) -> None:
    pretrain(tiny(), folder, tmp_path / "run")
    with pytest.raises(AvgdtError, match="its recipe differs"):
        pretrain(tiny(objective=Objective(bank=12)), folder, tmp_path / "run", resume=True)
    with pytest.raises(AvgdtError, match="already holds a run"):
        pretrain(tiny(), folder, tmp_path / "run")
    with pytest.raises(AvgdtError, match="no run to resume"):
        pretrain(tiny(), folder, tmp_path / "nothing", resume=True)


def test_a_recording_that_becomes_unreadable_is_listed_once_over_all_sessions(tmp_path: Path) -> None:
    recordings = write_folder(tmp_path / "own", 12)
    (recordings / "broken.mp4").write_bytes(b"\0" * 1000)
    recipe = tiny(data=Data(held_out_at_most=0), run=replace(tiny().run, batch=6))
    with pytest.raises(KeyboardInterrupt):
        pretrain(recipe, recordings, tmp_path / "run", callbacks=Callbacks(on_metrics=stop_at(1)))
    (recordings / "03.mkv").unlink()
    pretrain(recipe, recordings, tmp_path / "run", resume=True)
    rows = (tmp_path / "run" / "skipped.csv").read_text().splitlines()[1:]
    assert sorted(Path(row.split(",")[0]).name for row in rows) == ["03.mkv", "broken.mp4"]


def test_every_session_is_recorded_with_its_machine(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        pretrain(tiny(), folder, tmp_path / "run", callbacks=Callbacks(on_metrics=stop_at(2)))
    pretrain(tiny(), folder, tmp_path / "run", resume=True)
    first, second = read_json_lines(tmp_path / "run" / SESSIONS)
    assert (first["step"], second["step"]) == (0, 2)
    assert first["date"] <= second["date"]
    assert second["machine"]["precision"] == "fp32"
    assert {"device", "threads", "torch"} <= second["machine"].keys()
