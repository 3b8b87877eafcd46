"""Tests of the latest checkpoints of a run, and of the checkpoint from which a run resumes."""

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
    """Return the steps of all readable checkpoints, in the order of file names, ``last.pt`` first."""
    return [*Checkpoints(run).growths()]


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_the_latest_checkpoints_are_kept(kept: int, tmp_path: Path) -> None:
    save(Checkpoints(tmp_path, kept), 1, 2, 3, 4)
    assert steps_of(tmp_path) == [4, 3, 2][:kept]
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {*["last.pt", "last-1.pt", "last-2.pt"][:kept]}
    assert Checkpoints(tmp_path).load().path.name == "last.pt"


def test_a_smaller_number_of_checkpoints_takes_effect_on_the_next_save(tmp_path: Path) -> None:
    save(Checkpoints(tmp_path, 4), 1, 2, 3, 4)
    save(Checkpoints(tmp_path, 2), 5)
    assert steps_of(tmp_path) == [5, 4]


def test_a_full_disk_leaves_all_existing_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(Checkpoints(tmp_path, 3), 1, 2, 3)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Exception, match=r"last\.pt: could not be written \(No space left on device\)"):
        save(Checkpoints(tmp_path, 3), 4)
    assert steps_of(tmp_path) == [3, 2, 1]


def test_damaged_checkpoints_are_reported_skipped_and_replaced_first(tmp_path: Path) -> None:
    save(Checkpoints(tmp_path, 3), 1, 2, 3)
    newest = tmp_path / "checkpoints" / "last.pt"
    newest.write_bytes(newest.read_bytes()[:500])
    checkpoints, messages = Checkpoints(tmp_path, 3), list[str]()
    assert checkpoints.load(on_message=messages.append).step == 2
    assert len(messages) == 1
    assert messages[0].startswith(f"{newest}: no checksum at its end")
    assert messages[0].endswith("skipped: resuming from last-1.pt, step 2")
    assert newest.exists()  # it is kept until a newer checkpoint is saved
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


def test_resuming_from_a_given_step_discards_later_checkpoints(tmp_path: Path) -> None:
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
def test_the_latest_checkpoint_whose_weights_have_not_grown_is_healthy(
    growths: dict[int, float], step: int | None
) -> None:
    assert newest_healthy(growths) == step
