from __future__ import annotations

import os
from pathlib import Path

import pytest

from avgdt.training.errors import TrainingError
from avgdt.training.files import write_atomically


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.pt"
    write_atomically(path, lambda file: file.write(b"good") and None)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match=r"last\.pt: could not be written .*No space left"):
        write_atomically(path, lambda file: file.write(b"newer") and None)
    assert path.read_bytes() == b"good"
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]
