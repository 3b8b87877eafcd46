from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.grid import probe_and_retrieval
from avgdt.experiments.search import FRESH_SEEDS, Search, counts
from avgdt.experiments.search_outcome import importances, search_outcome
from avgdt.experiments.space import DIMENSIONS, searched_recipe
from avgdt.recipes.config import read_yaml
from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import Objective
from avgdt.training.errors import Diverged
from avgdt.training.lock import locked
from avgdt.training.metrics import read_metrics
from tests.helpers.recipes import tiny


def recipe() -> Recipe:
    """Return a recipe without a memory bank, since no single bank size suits every number of views."""
    return replace(tiny(), objective=Objective(negatives="batch"), schedule=replace(tiny().schedule, epochs=4))


def films(folder: Path, name: str = "films") -> Path:
    """Write a manifest of files that are never read."""
    rows = [f"{i}.mkv,{split},{'ab'[i % 2]}" for i, split in enumerate(["train"] * 4 + ["val"] * 2 + ["test"] * 2)]
    manifest = folder / f"{name}.csv"
    manifest.write_text("\n".join(["path,split,label", *rows]) + "\n")
    return manifest


def search(data: Path, out: Path, trials: int = 3, label: str = "label") -> Search:
    return Search(recipe(), data, out, trials, label)


def simulate_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the training of a trial by a score that depends strongly on reversal and weakly on jitter."""

    def run(self: Search, trial: optuna.Trial, on_message: object) -> float:
        choices = {name: trial.suggest_categorical(name, levels) for name, levels in DIMENSIONS.items()}
        searched_recipe(self.recipe, {name: str(level) for name, level in choices.items()})
        return 0.3 * (choices["reversal"] == "distinctive") + 0.05 * (choices["jitter"] == "on") + 0.2

    monkeypatch.setattr(Search, "_run", run)


def work(search: Search) -> list[tuple[int, str]]:
    finished = list[tuple[int, str]]()
    search.work(lambda number, result: finished.append((number, result)), lambda line: None)
    return finished


def test_trials_are_trained_measured_on_val_and_resumed(labelled: Path, tmp_path: Path) -> None:
    assert len(work(search(labelled, tmp_path, trials=1))) == 1
    assert work(search(labelled, tmp_path, trials=1)) == []
    assert len(work(search(labelled, tmp_path, trials=2))) == 1
    finished = [t for t in search(labelled, tmp_path).study().trials if t.state.name in ("COMPLETE", "PRUNED")]
    assert len(finished) == 2
    for trial in finished:
        run = search(labelled, tmp_path).folder(trial.number)
        assert (run / "weights.safetensors").exists()
        assert read_yaml(run / "config.yaml").composition == searched_recipe(recipe(), trial.params).composition
        assert 0 <= (trial.value or 0.0) <= 1
    outcome = search_outcome(search(labelled, tmp_path), None)
    assert outcome.answers[0].startswith("The best of 2 complete trials (0 pruned), trial ")


def test_the_search_finds_the_important_dimensions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_trials(monkeypatch)
    long = search(films(tmp_path), tmp_path, trials=40)
    work(long)
    best = long.ranked()[0]
    choices, value = best.params, best.value
    assert choices["reversal"] == "distinctive"
    assert value == pytest.approx(0.55 if choices["jitter"] == "on" else 0.5)
    matter = importances(long.study())
    assert max(matter, key=lambda name: matter[name].median) == "reversal"
    assert matter["reversal"].low > matter["flip"].high  # only reversal and jitter change the value
    assert all(0 <= low <= median <= high <= 1 for median, low, high in matter.values())
    best = read_yaml(long.write_best())
    assert replace(best, title="") == replace(searched_recipe(recipe(), choices), title="")
    outcome = search_outcome(long, None)
    assert [plot.name for plot in outcome.plots] == ["trials", "importance"]
    assert len({tuple(trial.params.items()) for trial in long.ranked()}) == 40  # no composition is trained twice
    ranked = outcome.tables[0]
    assert [row[2] for row in ranked.rows] == sorted((row[2] for row in ranked.rows), reverse=True)
    assert len(ranked.rows) == 40


def test_the_first_trial_has_the_composition_of_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_trials(monkeypatch)
    own = {name: levels[-1] for name, levels in DIMENSIONS.items()} | {"windows": "synchronous"}
    for trials in (1, 3):  # the second call resumes the search
        work(Search(searched_recipe(recipe(), own), films(tmp_path), tmp_path, trials, "label"))
    study = Search(searched_recipe(recipe(), own), films(tmp_path), tmp_path, 3, "label").study()
    complete = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    assert [trial.params == own for trial in complete] == [True, False, False]


def test_the_confirmation_compares_another_composition_even_if_the_own_is_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate_trials(monkeypatch)
    best = {name: levels[0] for name, levels in DIMENSIONS.items()} | {"reversal": "distinctive", "jitter": "on"}
    here = Search(searched_recipe(recipe(), best), films(tmp_path), tmp_path, 1, "label")
    work(here)
    with pytest.raises(ExperimentError, match="only the recipe's own composition is complete"):
        here.confirmation(1, probe_and_retrieval("label"))
    here = replace(here, trials=4)
    work(here)
    assert here.ranked()[0].params == best
    assert here.found().number > 0
    found, own = here.confirmation(1, probe_and_retrieval("label")).cells
    assert found.recipe.composition != own.recipe.composition
    assert any(
        answer.startswith("The recipe's own composition reaches 55.0 % (rank 1)")
        for answer in search_outcome(here, None).answers
    )


def test_invalid_combinations_do_not_count_as_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_trials(monkeypatch)
    work(search(films(tmp_path), tmp_path, trials=30))
    states = [trial.state.name for trial in search(films(tmp_path), tmp_path).study().trials]
    assert states.count("COMPLETE") == 30
    assert set(states) <= {"COMPLETE", "FAIL"}


def test_a_trial_of_a_killed_process_is_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_trials(monkeypatch)
    here = search(films(tmp_path), tmp_path, trials=2)
    study = here.study()
    study.enqueue_trial({name: levels[0] for name, levels in DIMENSIONS.items()})
    left = study.ask()  # the trial is marked as running, but no process holds it
    assert work(here)[0][0] == left.number
    assert [trial.state.name for trial in here.study().trials if trial.state.name != "FAIL"] == ["COMPLETE"] * 2


def test_a_trial_that_another_process_runs_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_trials(monkeypatch)
    here = search(films(tmp_path), tmp_path, trials=2)
    other = here.study().ask()
    with locked(here.out / "claims" / f"{other.number:04d}"):
        assert other.number not in [number for number, _ in work(here)]
        assert here.study().trials[other.number].state.name == "RUNNING"


def test_trials_can_be_pruned(labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optuna.Trial, "should_prune", lambda trial: True)
    pruned = search(labelled, tmp_path, trials=1)
    pruned.study().enqueue_trial({name: levels[0] for name, levels in DIMENSIONS.items()})
    assert work(pruned) == [(0, "pruned")]
    with pytest.raises(ExperimentError, match="no trial is complete"):
        pruned.ranked()


def test_another_recipe_label_or_data_set_is_refused(tmp_path: Path) -> None:
    search(films(tmp_path), tmp_path).study()
    with pytest.raises(ExperimentError, match="another label; use another --out"):
        search(films(tmp_path), tmp_path, label="category").study()
    with pytest.raises(ExperimentError, match="another data"):
        search(films(tmp_path, "others"), tmp_path).study()
    other = replace(recipe(), run=replace(recipe().run, batch=5))
    with pytest.raises(ExperimentError, match="another recipe"):
        Search(other, films(tmp_path), tmp_path, 3, "label").study()
    workers = replace(recipe(), run=replace(recipe().run, workers=2))
    Search(workers, films(tmp_path), tmp_path, 5, "label").study()


def test_invalid_settings_raise_errors(tmp_path: Path) -> None:
    silent = replace(recipe(), run=replace(recipe().run, monitor_epochs=0))
    with pytest.raises(ExperimentError, match=r"run\.monitor_epochs"):
        Search(silent, tmp_path, tmp_path, 3, "label")
    late = replace(recipe(), run=replace(recipe().run, seed=FRESH_SEEDS))
    with pytest.raises(ExperimentError, match="use a seed below 1000"):
        Search(late, tmp_path, tmp_path, 3, "label")


def test_the_confirmation_uses_new_seeds_and_the_full_number_of_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate_trials(monkeypatch)
    here = search(films(tmp_path), tmp_path, trials=5)
    work(here)
    grid = here.confirmation(2, probe_and_retrieval("label"))
    assert grid.seeds == (1000, 1001)
    searched, by_hand = grid.cells
    assert by_hand.recipe == recipe()
    assert searched.recipe.composition == searched_recipe(recipe(), here.found().params).composition
    for job in grid.jobs:
        value = 0.7 if job.cell is searched else 0.6 + 0.01 * (job.seed - 1000)
        grid._write(job, {m.name: {"pretrained": value, "random": 0.1} for m in grid.measures})
    answers = search_outcome(here, grid).answers
    assert any(
        "accuracy of the best found composition minus accuracy of the recipe's own composition is +9.5 percentage" in a
        for a in answers
    )


def test_failed_trials_count_and_the_search_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_trials(monkeypatch)
    here = search(films(tmp_path), tmp_path, trials=4)
    judge = Search._run

    def run(self: Search, trial: optuna.Trial, on_message: Callable[[str], None]) -> float:
        if trial.number % 2:
            raise Diverged("step 3: the loss is nan")
        return judge(self, trial, on_message)

    monkeypatch.setattr(Search, "_run", run)
    finished = dict(work(here))
    assert finished[1] == "failed: step 3: the loss is nan"
    assert sum(map(counts, here.study().trials)) == 4
    assert work(here) == []


def test_the_best_of_further_trials_is_confirmed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_trials(monkeypatch)
    start = search(films(tmp_path), tmp_path, trials=1)
    start.study().enqueue_trial({name: levels[0] for name, levels in DIMENSIONS.items()})
    work(start)
    first = search(films(tmp_path), tmp_path).confirmation(1, probe_and_retrieval("label"))
    for job in first.jobs:
        first._write(job, {m.name: {"pretrained": 0.5, "random": 0.1} for m in first.measures})
    work(search(films(tmp_path), tmp_path, trials=40))
    second = search(films(tmp_path), tmp_path).confirmation(1, probe_and_retrieval("label"))
    assert second.cells[0].name != first.cells[0].name
    assert [second.results(job) is not None for job in second.jobs] == [
        False,
        True,
    ]  # the cell "by hand" is not run again


def test_workers_that_start_simultaneously_share_one_study(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from tests.experiments.test_search import search;"
        f"print(search(Path({str(films(tmp_path))!r}), Path({str(tmp_path / 'out')!r})).study().study_name)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in processes:
        out, errors = process.communicate(timeout=60)
        assert out.strip() == "search", errors


def test_without_a_label_the_last_held_out_recall_is_the_score(labelled: Path, tmp_path: Path) -> None:
    here = search(labelled, tmp_path, trials=1, label="")
    here.study().enqueue_trial({**{name: levels[0] for name, levels in DIMENSIONS.items()}, "repeats": "2"})
    work(here)
    trial = here.ranked()[0]
    metrics = [line for line in read_metrics(here.folder(trial.number) / "metrics.jsonl") if line["kind"] == "heldout"]
    assert metrics[-1]["epoch"] == 2  # half of the epochs, as the number of views is doubled
    assert trial.value == (metrics[-1]["video_to_audio"]["r10"] + metrics[-1]["audio_to_video"]["r10"]) / 2
