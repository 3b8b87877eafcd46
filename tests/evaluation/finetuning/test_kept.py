from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch

from avgdt.evaluation.finetuning.kept import Kept


class _Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("hostile-was-here",)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "deep" / "one.pt")
    assert kept.read() == {}
    kept.write({"tuner": {"step": 3, "weight": torch.arange(3.0)}, "failures": {"a.mp4": "gone"}})
    read = kept.read()
    assert read["failures"] == {"a.mp4": "gone"}
    assert torch.equal(read["tuner"]["weight"], torch.arange(3.0))
    assert [path.name for path in kept.path.parent.iterdir()] == ["one.pt"]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x80\x04.", b"PK\x03\x04 half a file"])
def test_a_broken_file_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one.pt").write_bytes(content)
    assert Kept(tmp_path / "one.pt").read() == {}


@pytest.mark.parametrize("save", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_no_code_of_a_file_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save: object) -> None:
    monkeypatch.chdir(tmp_path)
    assert callable(save)
    save({"tuner": _Hostile()}, tmp_path / "one.pt")
    assert Kept(tmp_path / "one.pt").read() == {}
    assert not Path("hostile-was-here").exists()
