"""The commands of experiments, run as a user runs them."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.cli.main import main
from avgdt.experiments.outcome import read_outcome
from avgdt.recipes.config import write_yaml
from avgdt.recipes.training import Objective
from tests.experiments.conftest import labelled  # noqa: F401 (a fixture)
from tests.helpers.command import ended, pasted, run, start
from tests.helpers.recipes import tiny


@pytest.fixture
def here(tmp_path: Path, labelled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    recipe = replace(tiny(), objective=Objective(negatives="batch"), schedule=replace(tiny().schedule, epochs=2))
    write_yaml(recipe, tmp_path / "tiny.yaml")
    (tmp_path / "films.csv").symlink_to(labelled)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(name: str, *options: str) -> list[str]:
    return [*name.split(), "--config", "tiny.yaml", "--data", "films.csv", "--out", "out", *options]


@pytest.mark.slow
def test_an_ablation_stopped_and_continued(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ablate = command("ablate jitter", "--seeds", "5")
    assert main([*ablate, "--list"]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "   3  jitter-on-epochs-2-seed-5"
    assert main([*ablate, "--cell", "1"]) == 0
    assert capfd.readouterr().out.startswith("jitter-on-epochs-1-seed-5: accuracy ")
    process = start(*ablate, "--jobs", "2", cwd=here)
    deadline = time.monotonic() + 60
    while len([*here.glob("out/cells/*.json")]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    code, line = ended(process)
    assert code == 130
    code, last = pasted(line, cwd=here, seconds=300)
    assert code == 0, last
    assert len(read_outcome(here / "out").tables[2].rows) == 4
    assert (here / "out" / "experiment.html").exists()
    records = {path: path.stat().st_mtime_ns for path in here.glob("out/cells/*.json")}
    assert main(ablate) == 0  # nothing remains but the page
    assert {path: path.stat().st_mtime_ns for path in records} == records


@pytest.mark.slow
def test_a_curriculum(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(command("curriculum", "--seeds", "0", "--recordings", "4")) == 0
    assert "one seed" in capfd.readouterr().out
    assert [plot.name for plot in read_outcome(here / "out").plots][:2] == ["accuracy", "gradient-share"]


@pytest.mark.slow
def test_a_search_with_confirmation(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(command("search", "--trials", "2", "--jobs", "2", "--confirm", "1")) == 0
    printed = capfd.readouterr().out
    assert "Retrained with fresh seeds, on test: accuracy of the searched composition" in printed
    assert (here / "out" / "best.yaml").exists()
    assert main(["pretrain", "--config", "out/best.yaml", "--data", "films.csv", "--out", "run"]) == 0


def test_mistakes_are_one_line_with_a_remedy(here: Path) -> None:
    for arguments, words in (
        (["ablate"], "NAME is missing"),
        (["ablate", "jitter"], "RECIPE is missing"),
        (command("ablate jiter"), "did you mean 'jitter'"),
        (command("ablate jitter", "--seeds", "1", "1"), "each once"),
        (command("ablate jitter", "--cell", "12"), "use 0 to 11"),
        (command("ablate jitter", "--jobs", "0"), "--jobs: 0; use 1 or more"),
        (command("curriculum", "--recordings", "1"), "--recordings: 1; use 2 or more"),
        (command("search", "--trials", "0"), "--trials: 0; use 1 or more"),
        (command("search", "--cell", "0"), "--cell needs --confirm"),
        (command("ablate jitter", "--label", "genre"), "genre"),
        (["ablate", "jitter", "--config", "tiny.yaml", "--data", "none.csv", "--out", "new"], "none.csv"),
    ):
        code, line = run(*arguments, cwd=here)
        assert code == 2, line
        assert words in line
