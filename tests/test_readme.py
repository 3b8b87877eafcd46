"""What the README shows is there and runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from avgdt.cli.main import COMMANDS

README = Path(__file__).parents[1] / "README.md"


def test_the_composition_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    exec(code, {})
    assert "T = 8 views" in capsys.readouterr().out


def test_every_command_is_in_the_readme_and_every_one_there_exists() -> None:
    assert set(re.findall(r"\| `avgdt (\w+)", README.read_text())) == set(COMMANDS)
