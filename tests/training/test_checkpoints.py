"""The newest few checkpoints of a run, and which of them a run goes on from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from avgdt.training.checkpoints import Checkpoints, newest_healthy
from avgdt.training.errors import TrainingError
from tests.helpers.recipes import tiny


def save(checkpoints: Checkpoints, *steps: int) -> None:
    for step in steps:
        state = {"step": step, "norm": 2.0 * step, "norm_at_start": 2.0, "phi": {"weight": torch.full((9,), step)}}
        checkpoints.save(state, tiny(), ["a", "b"])


def steps_of(run: Path) -> list[int]:
    """Steps of those that can be read, in the order of their names, ``last.pt`` first."""
    return [*Checkpoints(run).growths()]


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_the_newest_remain(kept: int, tmp_path: Path) -> None:
    save(Checkpoints(tmp_path, kept), 1, 2, 3, 4)
    assert steps_of(tmp_path) == [4, 3, 2][:kept]
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {*["last.pt", "last-1.pt", "last-2.pt"][:kept]}
    assert Checkpoints(tmp_path).load().path.name == "last.pt"


def test_fewer_remain_once_one_is_written(tmp_path: Path) -> None:
    save(Checkpoints(tmp_path, 4), 1, 2, 3, 4)
    save(Checkpoints(tmp_path, 2), 5)
    assert steps_of(tmp_path) == [5, 4]


def test_a_full_disk_leaves_all_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(Checkpoints(tmp_path, 3), 1, 2, 3)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Exception, match=r"last\.pt: could not be written \(No space left on device\)"):
        save(Checkpoints(tmp_path, 3), 4)
    assert steps_of(tmp_path) == [3, 2, 1]


def test_damaged_ones_are_skipped_aloud_and_make_room_first(tmp_path: Path) -> None:
    save(Checkpoints(tmp_path, 3), 1, 2, 3)
    newest = tmp_path / "checkpoints" / "last.pt"
    newest.write_bytes(newest.read_bytes()[:500])
    checkpoints, said = Checkpoints(tmp_path, 3), list[str]()
    assert checkpoints.load(on_message=said.append).step == 2
    assert len(said) == 1
    assert said[0].startswith(f"{newest}: no checksum at its end")
    assert said[0].endswith("skipped: resuming from last-1.pt, step 2")
    assert newest.exists()  # until there is a newer one
    save(checkpoints, 4)
    assert steps_of(tmp_path) == [4, 2, 1]
    newest.unlink()
    assert Checkpoints(tmp_path).load().step == 2
    for path in Checkpoints(tmp_path).paths():
        path.write_bytes(b"")
    with pytest.raises(
        TrainingError, match=r"last-1\.pt: no checksum at its end.*damaged older checkpoints: 1.*start a new run"
    ):
        Checkpoints(tmp_path).load()


def test_one_that_is_named_supersedes_the_newer_ones(tmp_path: Path) -> None:
    save(Checkpoints(tmp_path, 3), 1, 2, 3)
    checkpoints = Checkpoints(tmp_path, 3)
    with pytest.raises(TrainingError, match=r"has no checkpoint of step 7; use one of 3, 2, 1"):
        checkpoints.load(7)
    assert checkpoints.load(2).step == 2
    checkpoints.drop_superseded()
    assert steps_of(tmp_path) == [2, 1]
    save(checkpoints, 3, 4)
    assert steps_of(tmp_path) == [4, 3, 2]


@pytest.mark.parametrize(
    ("growths", "step"),
    [
        ({}, None),
        ({3: 1.2, 2: 1.1, 1: 1.0}, 3),
        ({3: 5.0, 2: 1.2, 1: 1.1}, 2),
        ({3: 90.0, 2: 30.0, 1: 1.1}, 1),
        ({3: 9.0, 2: 8.0, 1: 7.0}, 3),
        ({3: 90.0, 2: 60.0, 1: 30.0}, None),
        ({3: 31.0, 2: 30.0, 1: 30.0}, None),
        ({3: 0.2, 2: 0.9, 1: 1.0}, 3),
    ],
)
def test_the_newest_that_has_not_grown_is_healthy(growths: dict[int, float], step: int | None) -> None:
    assert newest_healthy(growths) == step
