from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from avgdt.cli import demo
from avgdt.cli.main import main
from avgdt.evaluation.results import read_folder
from avgdt.recipes.named import named
from avgdt.recipes.recipe import Recipe
from avgdt.synthetic.dataset import render_dataset
from avgdt.synthetic.parameters import Parameters


def make_demo_brief(name: str) -> Recipe:
    recipe = named(name)
    schedule, run = replace(recipe.schedule, epochs=1), replace(recipe.run, batch=6, workers=0, precision="fp32")
    return replace(recipe, schedule=schedule, run=run)


def small_dataset(folder: Path, progress: Callable[[int, int], None]) -> Path:
    return render_dataset(folder, 36, workers=0, progress=progress, parameters=Parameters(seconds=1.5))


def test_the_demo_runs_and_a_second_call_skips_finished_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "named", make_demo_brief)
    monkeypatch.setattr("avgdt.synthetic.dataset.render_dataset", small_dataset)
    out = tmp_path / "runs" / "demo"
    demo.run(["--out", str(out), "--seed", "3"])
    assert f"open {(out / 'report.html').resolve()}\n" in capsys.readouterr().err
    assert (out / "report.html").stat().st_size > 10_000
    results_by_protocol = {result["protocol"]: result for result in read_folder(out)}
    assert results_by_protocol.keys() == {"linear", "retrieval"}
    assert results_by_protocol["retrieval"]["options"]["aligned"]
    assert {result["seed"] for result in results_by_protocol.values()} == {3}
    recordings = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs" / "world" / "recordings").iterdir()}
    weights = load_file(out / "weights.safetensors")
    results = {path: path.read_bytes() for path in (out / "results").iterdir()}
    demo.run(["--out", str(out), "--seed", "3"])  # nothing is left to render, train or evaluate
    assert {path: path.read_bytes() for path in results} == results
    assert {path: path.stat().st_mtime_ns for path in recordings} == recordings
    after = load_file(out / "weights.safetensors")
    assert after.keys() == weights.keys()
    assert all(torch.equal(after[name], weights[name]) for name in weights)


def test_each_seed_has_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "named", make_demo_brief)
    monkeypatch.setattr("avgdt.synthetic.dataset.render_dataset", small_dataset)
    monkeypatch.chdir(tmp_path)
    assert main(["demo"]) == 0
    capsys.readouterr()
    assert main(["demo", "--seed", "1"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "runs/demo: its recipe differs in fields that cannot change: run.seed (0 in the run, 1 now)" in line
    assert line.endswith("demo --out runs/demo-2 --seed 1")
    assert "--from" not in line
    assert main(["demo", "--out", "runs/demo-2", "--seed", "1"]) == 0
    assert (tmp_path / "runs" / "demo-2" / "report.html").exists()


@pytest.mark.parametrize("phase", ["pretrain", "evaluate"])
def test_an_interrupted_demo_resumes_on_the_next_call(
    phase: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "named", make_demo_brief)
    monkeypatch.setattr("avgdt.synthetic.dataset.render_dataset", small_dataset)
    monkeypatch.chdir(tmp_path)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    place = {
        "pretrain": "avgdt.training.step.contrastive_loss",
        "evaluate": "avgdt.evaluation.evaluate.write_result",
    }[phase]
    with monkeypatch.context() as patch:
        patch.setattr(place, stop)
        assert main(["demo", "--out", "a demo/run"]) == 130
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == "avgdt: stopped by SIGINT; finished steps are saved; continue with: avgdt demo --out 'a demo/run'"
    assert main(["demo", "--out", "a demo/run"]) == 0
    assert (tmp_path / "a demo" / "run" / "report.html").exists()
