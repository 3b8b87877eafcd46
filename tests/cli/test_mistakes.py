"""Tests of error messages of commands: one line with the option, field or file and a remedy, and exit code 2."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from avgdt.cli.main import main
from avgdt.models.weights import load_weights
from avgdt.recipes.config import write_yaml
from avgdt.training.checkpoints import Checkpoints
from avgdt.training.metrics import read_metrics
from tests.helpers.folders import write_folder
from tests.helpers.media_files import evenly, write_media
from tests.helpers.recipes import tiny


@pytest.fixture
def config(tmp_path: Path) -> str:
    write_yaml(tiny(), tmp_path / "tiny.yaml")
    return str(tmp_path / "tiny.yaml")


def error_line(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must fail, and return its only line of standard error."""
    assert main(list(arguments)) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("avgdt: ")]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pretian"], "unknown command 'pretian'; did you mean 'pretrain'?"),
        (["pretrain", "papper", "--data", "x", "--out", "y"], "recipe 'papper' is unknown; did you mean 'paper'?"),
        (["pretrain", "--data", "x", "--out", "y"], "RECIPE is missing"),
        (["pretrain", "paper", "--data", "x", "--out", "y", "--run.bach", "3"], "--run.batch"),
        (["pretrain", "paper", "--data", "x", "--out", "y", "--run.precision", "fp33"], "'fp33'"),
        (["pretrain", "paper", "--data", "x", "--out", "y", "--run.batch", "many"], "--run.batch"),
        (["pretrain", "paper", "--out", "y"], "--data"),
        (["evaluate", "lineer"], "did you mean 'linear'?"),
        (["evaluate", "linear", "--weights", "no/such/run", "--data", "x"], "no/such/run: contains no weights"),
        (["recipes", "tiny"], "recipe 'tiny' is unknown"),
        (["report", "no/such/run"], "no/such/run"),
        (["composition"], "RECIPE is missing"),
        (["composition", "paper", "--run.seed", "4294967296"], "run.seed: 4294967296 is out of range; use 0 to"),
        (["composition", "papper"], "recipe 'papper' is unknown; did you mean 'paper'?"),
        (["composition", "paper", "--config", "x.yaml"], "RECIPE and --config are both given"),
        (["composition", "--config"], "--config needs a value"),
        (["composition", "paper", "--composition.video.0.size", "0"], "RandomCrop: size"),
        (["pretrain", "paper", "--composition", "reversal-distinct"], "did you mean 'reversal-distinctive'?"),
        (
            ["pretrain", "--composition", "modality", "--resume", "--out", "x"],
            "--composition modality needs a recipe",
        ),
        (["composition", "paper", "--composition"], "--composition needs a value"),
        (
            ["composition", "paper", "--diagram", "x.svg"],
            "--diagram FILE.png (or .svg) and --data PATH are only valid together",
        ),
        (["composition", "paper", "--diagram", "x.jpg", "--data", "y"], "ends in .svg or .png"),
        (["composition", "paper", "--diagram", "x.svg", "--data", "none.mp4"], "none.mp4: no such file"),
    ],
)
def test_invalid_arguments_are_reported_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in error_line(capsys, *arguments)


def test_a_missing_data_folder_is_reported(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = error_line(
        capsys, "pretrain", "--config", config, "--data", str(tmp_path / "none"), "--out", str(tmp_path / "r")
    )
    assert "none: no such file or folder" in line


def test_a_folder_without_recordings_is_reported(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "texts").mkdir()
    arguments = ["pretrain", "--config", config, "--data", str(tmp_path / "texts"), "--out", str(tmp_path / "run")]
    assert "contains no recordings" in error_line(capsys, *arguments)
    (tmp_path / "texts" / "a.mp4").write_text("not a film")
    (tmp_path / "run").rename(tmp_path / "old")
    assert "none of 1 files can be used for training" in error_line(capsys, *arguments)


def test_recordings_without_any_audio_are_reported(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "silent").mkdir()
    for i in range(5):
        write_media(tmp_path / "silent" / f"{i}.mkv", evenly(12, 8), size=(24, 32))
    line = error_line(
        capsys, "pretrain", "--config", config, "--data", str(tmp_path / "silent"), "--out", str(tmp_path / "r")
    )
    assert "none of 5 files" in line
    assert "has no audio" in line


def test_a_batch_larger_than_the_data_is_reported(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(write_folder(tmp_path / "few", 3))
    line = error_line(capsys, "pretrain", "--config", config, "--data", folder, "--out", str(tmp_path / "run"))
    assert "run.batch: 4 is more than the 3 training recordings" in line


def test_running_out_of_memory_is_reported_with_a_remedy(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = write_folder(tmp_path / "films", 20), tmp_path / "run"
    petabytes = ["--objective.bank", "4000000000", "--model.head.out", "100000"]
    line = error_line(capsys, "pretrain", "--config", config, "--data", str(folder), "--out", str(out), *petabytes)
    assert line.startswith("avgdt: out of memory; reduce the batch size,")


def test_other_errors_are_not_reported_as_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(arguments: list[str]) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("avgdt.cli.recipes.run", fail)
    with pytest.raises(RuntimeError, match="a defect"):
        main(["recipes"])


def test_a_full_disk_is_reported_in_one_line(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = str(write_folder(tmp_path / "films", 6)), tmp_path / "run"
    flush = os.fsync

    def full(descriptor: int) -> None:
        if list((out / "checkpoints").glob(".*")):
            raise OSError(28, "No space left on device")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    line = error_line(capsys, "pretrain", "--config", config, "--data", folder, "--out", str(out))
    assert "last.pt: could not be written" in line
    assert "No space left" in line
    assert list((out / "checkpoints").iterdir()) == []


@pytest.mark.parametrize("minutes", [0.0, 10.0])
def test_diverged_training_stops_and_the_suggested_remedy_works(
    minutes: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = replace(tiny(), run=replace(tiny().run, checkpoint_minutes=minutes))
    recipe = replace(recipe, optimiser=replace(recipe.optimiser, lr=1e9))
    write_yaml(recipe, tmp_path / "wild.yaml")
    folder, out = str(write_folder(tmp_path / "films", 9)), tmp_path / "run"
    line = error_line(capsys, "pretrain", "--config", str(tmp_path / "wild.yaml"), "--data", folder, "--out", str(out))
    assert "the run has diverged" in line
    assert "fp32" not in line  # the run computes in this precision
    assert not (out / "checkpoints" / "last.pt").exists()  # no checkpoint was healthy
    assert not (out / "weights.safetensors").exists()
    arguments = shlex.split(line.partition("restart with: ")[2])
    assert arguments[:2] == ["avgdt", "pretrain"]
    assert arguments[-2:] == ["--optimiser.lr", "1e+08"]
    arguments[-1] = "0.05"
    assert main(arguments[1:]) == 0


def test_a_run_that_diverges_later_resumes_from_its_last_healthy_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = replace(tiny(), run=replace(tiny().run, checkpoint_minutes=0))
    write_yaml(recipe, tmp_path / "tiny.yaml")
    folder, out = str(write_folder(tmp_path / "films", 9)), tmp_path / "run"
    assert main(["pretrain", "--config", str(tmp_path / "tiny.yaml"), "--data", folder, "--out", str(out)]) == 0
    healthy = (out / "checkpoints" / "last.pt").read_bytes()
    resume = ["pretrain", "--resume", "--out", str(out)]
    line = error_line(capsys, *resume, "--schedule.epochs", "5", "--optimiser.lr", "1e9")
    assert "the run has diverged, but its last checkpoint was saved before that" in line
    assert (out / "checkpoints" / "last.pt").read_bytes() == healthy
    arguments = shlex.split(line.partition("resume with: ")[2])
    assert arguments[1:] == [*resume, "--optimiser.lr", "1e+08"]
    arguments[-1] = "0.01"
    assert main(arguments[1:]) == 0
    assert read_metrics(out / "metrics.jsonl")[-1]["step"] == 10
    assert read_metrics(out / "metrics.jsonl")[-1]["lr"] == 0.01


@pytest.mark.parametrize(
    ("checkpoints", "grown", "folder"),
    [
        ("3", "so have its checkpoints after step 6; lower", "run"),
        ("1", "so have all its checkpoints; lower", "run-2"),
    ],
)
def test_a_diverged_run_does_not_resume_from_a_checkpoint_with_grown_weights(
    checkpoints: str, grown: str, folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_yaml(replace(tiny(), run=replace(tiny().run, checkpoint_minutes=0)), tmp_path / "tiny.yaml")
    films, out = str(write_folder(tmp_path / "films", 9)), tmp_path / "run"
    assert main(["pretrain", "--config", str(tmp_path / "tiny.yaml"), "--data", films, "--out", str(out)]) == 0
    resume = ["pretrain", "--resume", "--out", str(out)]
    wild = ["--schedule.epochs", "12", "--optimiser.lr", "100", "--run.checkpoints", checkpoints]
    line = error_line(capsys, *resume, *wild)
    assert "the run has diverged, and " + grown in line
    arguments = shlex.split(line.rpartition("with: ")[2])
    assert arguments[-2:] == ["--optimiser.lr", "10"]
    assert ("--step" in arguments) == (folder == "run")
    arguments[-1] = "0.01"
    assert main(arguments[1:]) == 0
    assert read_metrics(tmp_path / folder / "metrics.jsonl")[-1]["step"] == 24
    state = Checkpoints(tmp_path / folder).load()
    assert state.growth < 2


def test_a_damaged_checkpoint_is_skipped_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_yaml(replace(tiny(), run=replace(tiny().run, checkpoint_minutes=0)), tmp_path / "tiny.yaml")
    films, out = str(write_folder(tmp_path / "films", 9)), tmp_path / "run"
    assert main(["pretrain", "--config", str(tmp_path / "tiny.yaml"), "--data", films, "--out", str(out)]) == 0
    before, _ = load_weights(out / "weights.safetensors")
    resume = ["pretrain", "--resume", "--out", str(out)]
    newest = out / "checkpoints" / "last.pt"
    newest.write_bytes(newest.read_bytes()[:-100])
    capsys.readouterr()
    assert main(resume) == 0
    messages = [line for line in capsys.readouterr().err.splitlines() if "last.pt" in line]
    assert len(messages) == 1
    assert messages[0].endswith("skipped: resuming from last-1.pt, step 5")
    assert read_metrics(out / "metrics.jsonl")[-1]["step"] == 6
    after, _ = load_weights(out / "weights.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
    for path in (out / "checkpoints").iterdir():
        path.write_bytes(b"rubbish")
    assert "(damaged older checkpoints: 2)" in error_line(capsys, *resume)


@pytest.mark.parametrize("store", ["a file/store", "auto"])
def test_the_suggested_command_omits_a_store_that_cannot_be_used(
    store: str, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    films, out = str(write_folder(tmp_path / "films", 6)), tmp_path / "run"
    (tmp_path / "a file").touch()
    out.mkdir()
    (out / "store").touch()
    place = str(tmp_path / store) if store != "auto" else store
    arguments = ["pretrain", "--config", config, "--data", films, "--out", str(out), "--data.store", place]
    line = error_line(capsys, *arguments)
    assert main(shlex.split(line.rpartition("with: ")[2])[1:]) == 0
    line = error_line(
        capsys, "pretrain", "--resume", "--out", str(out), "--schedule.epochs", "4", "--data.store", "/proc/x"
    )
    assert main(shlex.split(line.rpartition("with: ")[2])[1:]) == 0


def test_folder_names_may_begin_with_a_dash(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "-films", 6)
    new = ["pretrain", "--config", config, "--data=-films", "--out=-dash"]
    arguments = shlex.split(error_line(capsys, *new, "--data.store", "/proc/x").rpartition("with: ")[2])
    assert {"--out=-dash", "--data=-films", "--config=-dash/config.yaml"} < set(arguments)
    assert main(arguments[1:]) == 0
    line = error_line(capsys, *new)
    arguments = shlex.split(line.rpartition("with: ")[2].removesuffix(" (or choose another --out)"))
    assert "--out=-dash" in arguments
    assert main(arguments[1:]) == 0
    arguments = shlex.split(error_line(capsys, *arguments[1:], "--run.seed", "3").rpartition("weights: ")[2])
    assert {"--out=-dash-2", "--from=-dash"} < set(arguments)
    assert main(arguments[1:]) == 0


def test_a_mixed_folder_trains_and_lists_skipped_files(config: str, tmp_path: Path) -> None:
    folder, out = write_folder(tmp_path / "films", 6), tmp_path / "run"
    (folder / "broken.mp4").write_bytes(b"\0" * 1000)
    write_media(folder / "silent.mkv", evenly(12, 8), size=(24, 32))
    assert main(["pretrain", "--config", config, "--data", str(folder), "--out", str(out)]) == 0
    rows = (out / "skipped.csv").read_text().splitlines()
    assert len(rows) == 3
    assert any("silent.mkv,has no audio" in row for row in rows)
    assert any("broken.mp4" in row for row in rows)


def test_the_config_of_a_run_reproduces_the_run(config: str, tmp_path: Path) -> None:
    folder = str(write_folder(tmp_path / "films", 6))
    for out, source in (("a", config), ("b", str(tmp_path / "a" / "config.yaml"))):
        assert main(["pretrain", "--config", source, "--data", folder, "--out", str(tmp_path / out)]) == 0
    (a, _), (b, _) = (load_weights(tmp_path / out / "weights.safetensors") for out in "ab")
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
