"""Tests that the examples of the README run, and that its list of commands is complete."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from avgdt.cli.main import COMMANDS
from avgdt.recipes import named
from tests.helpers.folders import write_folder
from tests.helpers.recipes import tiny

README = Path(__file__).parents[1] / "README.md"


def blocks() -> list[str]:
    """Return the Python blocks of the README, in order."""
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_composition_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(blocks()[1], {})
    assert "T = 8 views" in capsys.readouterr().out


def test_the_short_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example runs unchanged on recordings written for the test; the recipe ``small`` is replaced by a tiny one."""
    films = write_folder(tmp_path / "films", 12)
    shutil.copy(films / "00.mkv", tmp_path / "film.mp4")
    rows = [f"films/{i:02d}.mkv,{'train' if i < 8 else 'test'},{'ab'[i % 2]}" for i in range(12)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,split,class", *rows]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(named.RECIPES, "small", tiny)
    code = blocks()[0]
    assert len(code.splitlines()) <= 10
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["clips"].vectors.shape == (2, 32)
    assert names["sounds"].vectors.shape == (12, 8)  # the embeddings are written


def test_the_readme_lists_exactly_the_existing_commands() -> None:
    assert set(re.findall(r"\| `avgdt (\w+)", README.read_text())) == set(COMMANDS)
