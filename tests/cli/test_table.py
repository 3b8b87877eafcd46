from __future__ import annotations

from pathlib import Path

import pytest

from avgdt.cli.main import main
from avgdt.evaluation.results import write_result
from avgdt.recipes.config import write_yaml
from tests.helpers.recipes import tiny
from tests.report.test_comparison import esc50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_yaml(tiny(), tmp_path / "config.yaml")
    write_result(esc50(0, 0.5), tmp_path)
    return tmp_path


def test_the_table_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "78.6" in out
    assert "50.0 ± 2.0" in out


def test_the_table_is_written_to_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "table.tex"
    assert main(["table", str(folder), "--table", "3", "--format", "latex", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"wrote {out}\n"
    assert r"\toprule" in out.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "RUN is missing; usage"),
        (["--table", "2"], "RUN is missing; name at least one"),
        (["no/such/run"], "no/such/run: no such run"),
        (["{folder}", "--format", "html"], "'html'"),
        (["{folder}", "--out", "{folder}"], "could not be written"),
        (["{folder}", "--table", "4"], "table: '4' is unknown"),
    ],
)
def test_errors_are_reported_in_one_line(
    arguments: list[str], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["table", *(word.format(folder=folder) for word in arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
