"""Tests of fingerprints, which detect that a file has changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from avgdt.data.fingerprint import BLOCK, fingerprint


def test_a_copy_has_the_same_digest_and_a_change_at_either_end_alters_it(tmp_path: Path) -> None:
    data = bytes(range(256)) * (BLOCK // 64)  # four blocks long
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


def test_a_path_that_is_not_a_regular_file_raises_an_error_immediately(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("none", "pipe", "."):
        with pytest.raises(OSError):
            fingerprint(tmp_path / name)
