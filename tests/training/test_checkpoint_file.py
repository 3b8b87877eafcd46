"""Tests of checkpoint files: incomplete, damaged, non-finite or foreign files raise a one-line error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from avgdt.training.checkpoint_file import load_checkpoint, save_checkpoint
from avgdt.training.errors import TrainingError
from tests.helpers.recipes import tiny

STATE = {"step": 3, "phi": {"weight": torch.arange(1000.0)}, "optimiser": [{"rate": 0.1}, torch.ones(2)]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "last.pt", STATE, tiny(), ["a", "b"])
    return tmp_path / "last.pt"


def test_a_checkpoint_is_read_back_unchanged(path: Path) -> None:
    state, recipe, recordings = load_checkpoint(path)
    assert torch.equal(state["phi"]["weight"], torch.arange(1000.0))
    assert (recipe, recordings) == (tiny(), ["a", "b"])
    assert [file.name for file in path.parent.iterdir()] == ["last.pt"]


def test_any_changed_byte_is_detected(path: Path) -> None:
    good = path.read_bytes()
    for place in [*range(0, len(good), len(good) // 40), len(good) - 1]:
        bad = bytearray(good)
        bad[place] ^= 1
        path.write_bytes(bad)
        with pytest.raises(TrainingError, match=r"last\.pt: (damaged: the checksum|no checksum at its end)"):
            load_checkpoint(path)
    for length in (0, 1, 100, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises(TrainingError, match=r"last\.pt: no checksum at its end"):
            load_checkpoint(path)


@pytest.mark.parametrize("content", [torch.zeros(3), [1, 2], None, {}, {"state": 1}, "text", 5, {"state": {}}])
def test_other_files_of_torch_are_refused_in_one_line(content: Any, path: Path) -> None:
    torch.save(content, path)
    with pytest.raises(TrainingError, match=r"last\.pt: no checksum at its end.*start a new run"):
        load_checkpoint(path)


@pytest.mark.parametrize("content", [torch.zeros(3), [1, 2], None, {}, {"state": 1}, "text", 5, {"state": {}}])
def test_other_content_with_a_valid_checksum_is_refused(
    content: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = torch.save
    monkeypatch.setattr(torch, "save", lambda _, file: save(content, file))
    save_checkpoint(path, STATE, tiny(), [])
    with pytest.raises(TrainingError, match=r"last\.pt: "):
        load_checkpoint(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_neither_written_nor_read(
    value: float, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = {**STATE, "optimiser": [{"rate": 0.1}, torch.tensor([1.0, value])]}
    before = path.read_bytes()
    with pytest.raises(TrainingError, match=r"not written: state\.optimiser\.1 is not finite"):
        save_checkpoint(path, bad, tiny(), [])
    assert path.read_bytes() == before
    monkeypatch.setattr("avgdt.training.checkpoint_file.not_finite", lambda state: "")
    save_checkpoint(path, bad, tiny(), [])
    monkeypatch.undo()
    with pytest.raises(TrainingError, match=r"last\.pt: state\.optimiser\.1 is not finite"):
        load_checkpoint(path)
