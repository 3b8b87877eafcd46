"""Tests that the wheel, installed into a clean environment, contains everything except its dependencies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_wheel_runs_from_a_clean_environment(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "src" / "avgdt", source / "src" / "avgdt", ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, source, cwd=tmp_path)
    (wheel,) = tmp_path.glob("avgdt-*.whl")

    venv.create(tmp_path / "clean", with_pip=False)
    python = tmp_path / "clean" / "bin" / "python"
    installed = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    # Dependencies come from the test environment; its editable avgdt is installed by a .pth file, which is not read.
    (installed / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)

    where = run(python, "-c", "import avgdt; print(avgdt.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed)
    avgdt = tmp_path / "clean" / "bin" / "avgdt"
    assert "demo-bank" in run(avgdt, "recipes", cwd=tmp_path)
    assert "video now" in run(avgdt, "composition", "small", cwd=tmp_path)
    packed = {path.relative_to(installed / "avgdt") for path in (installed / "avgdt").rglob("*") if path.is_file()}
    expected = {path.relative_to(source / "src" / "avgdt") for path in (source / "src" / "avgdt").rglob("*")}
    assert {path for path in expected if (source / "src" / "avgdt" / path).is_file()} <= packed
