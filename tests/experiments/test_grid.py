from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from avgdt.errors import AvgdtError
from avgdt.experiments.ablate import ablation_outcome, compare_levels
from avgdt.experiments.ablations import Ablation, Claim, timed
from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.grid import CellRun, Grid, GridCell, probe_and_retrieval
from avgdt.experiments.runs import check_data
from avgdt.recipes.named import named
from avgdt.recipes.recipe import Recipe
from avgdt.training import checkpoints
from avgdt.training.metrics import read_metrics
from tests.helpers.recipes import tiny

Score = Callable[[str, int], float]
CLAIM = Claim("Jitter is better", "jitter", "on", "off")
TOY = Ablation("toy", "Toy", "Is it?", lambda recipe: cells(recipe), (CLAIM,))


def cells(recipe: Recipe) -> tuple[GridCell, ...]:
    return tuple(
        GridCell((("epochs", str(epochs)), ("jitter", level)), with_epochs(timed(recipe, jitter=level == "on"), epochs))
        for epochs in (1, 2)
        for level in ("off", "on")
    )


def with_epochs(recipe: Recipe, epochs: int) -> Recipe:
    return replace(recipe, schedule=replace(recipe.schedule, epochs=epochs, warmup_epochs=0))


def grid(data: Path, out: Path, seeds: tuple[int, ...] = (0, 1)) -> Grid:
    return Grid(cells(tiny()), seeds, data, out, probe_and_retrieval("label"))


def record(grid: Grid, score: Score) -> None:
    """Write the records of all jobs as if they had run; ``score`` returns the value for a cell name and seed."""
    for job in grid.jobs:
        value = score(job.cell.name, job.seed)
        grid._write(job, {m.name: {"pretrained": value, "random": 0.1} for m in grid.measures})


def run(grid: Grid, job: CellRun) -> dict[str, dict[str, float]]:
    return grid.run(job, lambda line: None, lambda metrics: None)


def test_a_job_is_pretrained_and_evaluated_once(labelled: Path, tmp_path: Path) -> None:
    small = grid(labelled, tmp_path)
    job = small.job(1)
    assert (job.name, job.seed) == ("epochs-1-jitter-on-seed-0", 0)
    assert small.results(job) is None
    scores = run(small, job)
    assert scores.keys() == {"accuracy", "R@1", "R@10"}
    linear = json.loads((job.run / "results" / "linear.json").read_text())
    retrieval = json.loads((job.run / "results" / "retrieval.json").read_text())
    assert scores["accuracy"] == {
        "pretrained": linear["pretrained"]["accuracy"],
        "random": linear["random"]["accuracy"],
    }
    ways = [retrieval["pretrained"][way]["r1"] for way in ("video_to_audio", "audio_to_video")]
    assert scores["R@1"]["pretrained"] == pytest.approx(sum(ways) / 2)
    assert linear["seed"] == retrieval["seed"] == 0
    before = {path: path.stat().st_mtime_ns for path in job.run.rglob("*")}
    assert run(grid(labelled, tmp_path), job) == scores
    assert {path: path.stat().st_mtime_ns for path in job.run.rglob("*")} == before


def test_an_interrupted_job_resumes(labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = grid(labelled, tmp_path)
    job = small.job(3)  # two epochs of two steps each

    def stop(metrics: dict[str, object]) -> None:
        if metrics["step"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small.run(job, lambda line: None, stop)
    assert small.results(job) is None
    steps = []
    small.run(job, lambda line: None, lambda metrics: steps.append(metrics["step"]))
    assert min(steps) >= 3  # finished steps are not repeated
    uninterrupted = grid(labelled, tmp_path / "other")
    assert run(uninterrupted, uninterrupted.job(3)) == small.results(job)
    assert checkpoints.Checkpoints(job.run).load().step == 4


def test_jobs_use_the_seed_and_the_recipe_of_their_cell(labelled: Path, tmp_path: Path) -> None:
    small = grid(labelled, tmp_path)
    losses = {}
    for index in (2, 3, 6):
        run(small, small.job(index))
        metrics = read_metrics(small.job(index).run / "metrics.jsonl")
        losses[index] = [line["loss"] for line in metrics if line["kind"] == "train"][-1]
    assert len(set(losses.values())) == 3


def test_a_folder_of_another_recipe_or_data_set_is_refused(labelled: Path, tmp_path: Path) -> None:
    small = grid(labelled, tmp_path)
    record(small, lambda name, seed: 0.5)
    recipe = replace(tiny(), objective=replace(tiny().objective, temperature=0.5))
    with pytest.raises(
        ExperimentError, match=r"objective\.temperature \(0\.07 in the runs, 0\.5 now\); use another --out"
    ):
        (other := replace(small, cells=cells(recipe))).results(other.job(0))
    recipe = replace(
        tiny(), optimiser=replace(tiny().optimiser, lr=0.5)
    )  # a run with another learning rate can be resumed, but not reused
    with pytest.raises(ExperimentError, match=r"optimiser\.lr"):
        (other := replace(small, cells=cells(recipe))).results(other.job(0))
    recipe = replace(tiny(), run=replace(tiny().run, workers=2, checkpoints=1))  # these fields do not affect results
    other = replace(small, cells=cells(recipe))
    assert other.results(other.job(0)) is not None
    with pytest.raises(ExperimentError, match="contains an experiment with other settings"):
        (other := replace(small, settings="96 recordings")).results(other.job(0))
    with pytest.raises(ExperimentError, match="use another --out for"):
        (other := replace(small, data=tmp_path / "films")).results(other.job(0))
    # With another label, the probe is trained again.
    other = replace(small, measures=probe_and_retrieval("category"))
    assert other.results(other.job(0)) is None


def test_a_damaged_record_raises_an_error(labelled: Path, tmp_path: Path) -> None:
    small = grid(labelled, tmp_path)
    record(small, lambda name, seed: 0.5)
    small.job(0).record.write_text("{")
    with pytest.raises(ExperimentError, match="is damaged"):
        small.results(small.job(0))


def test_seeds_and_indices_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="use one or more distinct"):
        grid(tmp_path, tmp_path, (1, 1))
    with pytest.raises(ExperimentError, match="use one or more distinct"):
        grid(tmp_path, tmp_path, ())
    with pytest.raises(ExperimentError, match="use 0 to 7"):
        grid(tmp_path, tmp_path).job(8)


def test_duplicate_names_of_cells_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="two cells"):
        Grid((*cells(tiny()), *cells(tiny())), (0,), tmp_path, tmp_path, ())


def test_data_is_checked_before_training(labelled: Path, tmp_path: Path) -> None:
    check_data(labelled, tiny(), "label")
    for data, label, message in (
        (tmp_path / "none.csv", "label", "does not exist"),
        (labelled.parent, "label", "is a folder"),
        (labelled, "class", "class"),
    ):
        with pytest.raises(AvgdtError, match=message):
            check_data(data, tiny(), label)
    unsplit = tmp_path / "unsplit.csv"
    unsplit.write_text("path\na.mkv\n")
    with pytest.raises(ExperimentError, match="has no rows of split test and train"):
        check_data(unsplit, tiny(), "")
    with pytest.raises(ExperimentError, match="needs video and audio"):
        check_data(labelled, named("audio"), "label")


def test_levels_are_compared_at_equal_settings_of_other_factors(tmp_path: Path) -> None:
    small = grid(tmp_path, tmp_path, (0, 1, 2))
    # Jitter adds 0.1 with one epoch and 0.3 with two; seeds and numbers of epochs have their own effects.
    values = {
        "epochs-1-jitter-off": 0.2, "epochs-1-jitter-on": 0.3, "epochs-2-jitter-off": 0.4, "epochs-2-jitter-on": 0.7,
    }  # fmt: skip
    record(small, lambda name, seed: values[name] + 0.05 * seed)
    difference = compare_levels(small, "accuracy", CLAIM)
    assert difference is not None
    assert difference.mean.value == pytest.approx(0.2)
    assert difference.mean.count == 3
    assert difference.mean.std == pytest.approx(0.0, abs=1e-12)


def test_complete_and_incomplete_grids_have_an_outcome(tmp_path: Path) -> None:
    small = grid(tmp_path, tmp_path, (0, 1, 2))
    with pytest.raises(ExperimentError, match="no cell is complete"):
        ablation_outcome(TOY, small)
    record(small, lambda name, seed: (0.8 if name.endswith("on") else 0.5) + 0.01 * seed * (1 + ("on" in name)))
    outcome = ablation_outcome(TOY, small)
    assert outcome.answers[0].startswith("Jitter is better (accuracy): holds, +31.0 percentage points (95 % interval ")
    assert [plot.name for plot in outcome.plots] == ["accuracy", "r1", "r10"]
    assert [series.name for series in outcome.plots[0].series] == ["epochs 1", "epochs 2"]
    assert outcome.plots[0].series[0].x == ("off", "on")
    assert outcome.plots[0].series[0].y == pytest.approx((0.51, 0.82))
    assert outcome.plots[0].references[0].y == pytest.approx(0.1)
    means, differences, runs = outcome.tables
    assert means.rows[0][:3] == ("1", "off", "51.0 ± 1.0")
    assert means.rows[-1][0] == "random weights"
    assert len(runs.rows) == 12
    assert differences.rows[0][0] == "jitter: on - off"
    small.job(5).record.unlink()
    assert "1 of 12 runs are not complete" in ablation_outcome(TOY, small).answers[-1]
