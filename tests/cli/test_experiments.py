"""Tests of ``avgdt ablate``, ``avgdt curriculum`` and ``avgdt search`` through the command line."""

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
from tests.helpers.command import finish_process, run, run_suggestion, start
from tests.helpers.recipes import tiny


@pytest.fixture
def working_directory(tmp_path: Path, labelled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    recipe = replace(tiny(), objective=Objective(negatives="batch"), schedule=replace(tiny().schedule, epochs=2))
    write_yaml(recipe, tmp_path / "tiny.yaml")
    (tmp_path / "films.csv").symlink_to(labelled)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(name: str, *options: str) -> list[str]:
    return [*name.split(), "--config", "tiny.yaml", "--data", "films.csv", "--out", "out", *options]


@pytest.mark.slow
def test_an_interrupted_ablation_resumes(working_directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ablate = command("ablate jitter", "--seeds", "5")
    assert main([*ablate, "--list"]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "   3  jitter-on-epochs-2-seed-5"
    assert main([*ablate, "--cell", "1"]) == 0
    assert capfd.readouterr().out.startswith("jitter-on-epochs-1-seed-5: accuracy ")
    process = start(*ablate, "--jobs", "2", cwd=working_directory)
    deadline = time.monotonic() + 60
    while len([*working_directory.glob("out/cells/*.json")]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    code, line = finish_process(process)
    assert code == 130
    code, last = run_suggestion(line, cwd=working_directory, seconds=300)
    assert code == 0, last
    assert len(read_outcome(working_directory / "out").tables[2].rows) == 4
    assert (working_directory / "out" / "experiment.html").exists()
    records = {path: path.stat().st_mtime_ns for path in working_directory.glob("out/cells/*.json")}
    assert main(ablate) == 0  # only the page remains to be written
    assert {path: path.stat().st_mtime_ns for path in records} == records


@pytest.mark.slow
def test_curriculum_writes_its_page(working_directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(command("curriculum", "--seeds", "0", "--recordings", "4")) == 0
    assert "one seed" in capfd.readouterr().out
    assert [plot.name for plot in read_outcome(working_directory / "out").plots][:2] == ["accuracy", "gradient-share"]


@pytest.mark.slow
def test_search_runs_its_trials_and_confirms_the_best(
    working_directory: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(command("search", "--trials", "2", "--jobs", "2", "--confirm", "1")) == 0
    printed = capfd.readouterr().out
    assert "evaluated on the test split: accuracy of the best found composition" in printed
    assert (working_directory / "out" / "best.yaml").exists()
    assert main(["pretrain", "--config", "out/best.yaml", "--data", "films.csv", "--out", "run"]) == 0


def test_errors_are_reported_in_one_line_with_a_remedy(working_directory: Path) -> None:
    for arguments, words in (
        (["ablate"], "NAME is missing"),
        (["ablate", "jitter"], "RECIPE is missing"),
        (command("ablate jiter"), "did you mean 'jitter'"),
        (command("ablate jitter", "--seeds", "1", "1"), "use one or more distinct seeds"),
        (command("ablate jitter", "--cell", "12"), "use 0 to 11"),
        (command("ablate jitter", "--jobs", "0"), "--jobs: 0; use 1 or more"),
        (command("curriculum", "--recordings", "1"), "--recordings: 1; use 2 or more"),
        (command("search", "--trials", "0"), "--trials: 0; use 1 or more"),
        (command("search", "--cell", "0"), "--cell: selects a confirmation run"),
        (command("ablate jitter", "--label", "genre"), "genre"),
        (["ablate", "jitter", "--config", "tiny.yaml", "--data", "none.csv", "--out", "new"], "none.csv"),
    ):
        code, line = run(*arguments, cwd=working_directory)
        assert code == 2, line
        assert words in line
