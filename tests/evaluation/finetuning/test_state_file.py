"""Tests of the files that store the state of finetuning."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch

from avgdt.evaluation.finetuning.finetune import StateFile


class _Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("hostile-was-here",)


def test_a_state_file_is_read_back_unchanged(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "deep" / "one.pt")
    assert file.read() == {}
    file.write({"trainer": {"step": 3, "weight": torch.arange(3.0)}, "failures": {"a.mp4": "gone"}})
    read = file.read()
    assert read["failures"] == {"a.mp4": "gone"}
    assert torch.equal(read["trainer"]["weight"], torch.arange(3.0))
    assert [path.name for path in file.path.parent.iterdir()] == ["one.pt"]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x80\x04.", b"PK\x03\x04 half a file"])
def test_a_damaged_state_file_is_ignored(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one.pt").write_bytes(content)
    assert StateFile(tmp_path / "one.pt").read() == {}


@pytest.mark.parametrize("save", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_a_state_file_cannot_execute_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save: object) -> None:
    monkeypatch.chdir(tmp_path)
    assert callable(save)
    save({"trainer": _Hostile()}, tmp_path / "one.pt")
    assert StateFile(tmp_path / "one.pt").read() == {}
    assert not Path("hostile-was-here").exists()
