from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from avgdt.files import DamagedLine, WriteError, read_json_lines, write_atomically


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.pt"
    write_atomically(path, lambda file: file.write(b"good") and None)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"last\.pt: could not be written .*No space left"):
        write_atomically(path, lambda file: file.write(b"newer") and None)
    assert path.read_bytes() == b"good"
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]


def test_a_file_in_place_of_a_folder_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(
        WriteError, match=r"last\.pt: could not be written .*; check the path of the folder and try again"
    ):
        write_atomically(tmp_path / "file" / "last.pt", lambda file: file.write(b"x"))
    write_atomically(tmp_path / "new" / "folder" / "last.pt", lambda file: file.write(b"x"))
    assert (tmp_path / "new" / "folder" / "last.pt").read_bytes() == b"x"


def test_the_remedy_depends_on_the_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for code, remedy in (
        (errno.ENOSPC, "free some disk space and try again"),
        (errno.EACCES, "make the folder writable"),
    ):

        def fail(*_: object, code: int = code) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(WriteError, match=f"; {remedy}"):
            write_atomically(tmp_path / "last.pt", lambda file: file.write(b"x"))


def test_json_lines_ignore_only_an_incomplete_last_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    assert read_json_lines(path) == []
    path.write_text('{"step": 1}\n{"step": 2}\n{"st')
    assert read_json_lines(path, ("step",)) == [{"step": 1}, {"step": 2}]
    for damaged in ("{", "[]", '{"other": 1}'):
        path.write_text(f'{{"step": 1}}\n{damaged}\n{{"step": 3}}\n')
        with pytest.raises(DamagedLine, match=r"log\.jsonl, line 2: damaged .*; delete this line"):
            read_json_lines(path, ("step",))
