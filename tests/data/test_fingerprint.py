"""A fingerprint says whether a file is the one that was inspected."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from avgdt.data.fingerprint import BLOCK, fingerprint


def test_a_copy_has_the_same_content_and_a_change_at_either_end_another(tmp_path: Path) -> None:
    data = bytes(range(256)) * (BLOCK // 64)  # four blocks
    original = tmp_path / "a"
    original.write_bytes(data)
    shutil.copy(original, tmp_path / "b")
    first = fingerprint(original)
    assert first.size == len(data)
    assert first.modified == original.stat().st_mtime_ns
    assert fingerprint(tmp_path / "b").content == first.content
    for changed in (b"x" + data[1:], data[:-1] + b"x", data + b"x", data[:BLOCK]):
        (tmp_path / "b").write_bytes(changed)
        assert fingerprint(tmp_path / "b").content != first.content


def test_what_is_no_file_is_an_error_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("none", "pipe", "."):
        with pytest.raises(OSError):
            fingerprint(tmp_path / name)
