from __future__ import annotations

from pathlib import Path

import pytest

from avgdt.cli.main import main


@pytest.mark.parametrize("arguments", [["{run}"], ["--data", "{run}/manifest.csv", "{run}"]])
def test_the_command_writes_the_page(arguments: list[str], run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "report.html").unlink(missing_ok=True)
    assert main(["report", *(word.format(run=run) for word in arguments)]) == 0
    assert f"wrote {run / 'report.html'}" in capsys.readouterr().out
    assert (run / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no/such/run"], "no/such/run: no such run"),
        ([], "RUN is missing"),
        (["{run}", "--data", "no/such/data"], "no/such/data: no such file or folder"),
    ],
)
def test_errors_are_reported_in_one_line(
    arguments: list[str], words: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *(word.format(run=run) for word in arguments)]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("avgdt: ")]
    assert words in line
