"""Tests of messages about manifest rows that a run or an evaluation does not use."""

from __future__ import annotations

from pathlib import Path

import pytest

from avgdt.cli.main import main
from avgdt.recipes.config import write_yaml
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny


def test_unused_rows_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path / "films", 10)
    write_yaml(tiny(), tmp_path / "tiny.yaml")
    splits = ["train"] * 6 + ["trian", "test", "test", "test"]
    rows = [f"films/{i:02d}.mkv,{'' if i == 9 else 'ab'[i % 2]},{split}" for i, split in enumerate(splits)]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,split", *rows]))
    data, out = ["--data", str(tmp_path / "list.csv")], str(tmp_path / "run")
    assert main(["pretrain", "--config", str(tmp_path / "tiny.yaml"), *data, "--out", out]) == 0
    assert "4 rows belong to other splits (test (3), trian (1)) and are not used" in capsys.readouterr().err
    assert main(["evaluate", "knn", "--weights", out, *data, "--device", "cpu", "--clips", "1"]) == 0
    text = capsys.readouterr().out
    assert "1 row has no label in the column 'label' and is skipped" in text
    assert "1 row belongs to another split (trian (1)) and is not used" in text

    copy = tmp_path / "films" / "copy.mkv"
    copy.write_bytes((tmp_path / "films" / "00.mkv").read_bytes())
    (tmp_path / "list.csv").write_text("\n".join(["path,label,split", *rows, "films/copy.mkv,a,test"]))
    assert main(["evaluate", "knn", "--weights", out, *data, "--device", "cpu", "--clips", "1"]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("avgdt: ")]
    assert "00.mkv: has the same content as " in line
    assert "copy.mkv and so is in the splits 'train' and 'test'; remove one of the two rows" in line
