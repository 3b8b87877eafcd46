"""Tests of the verdict on synthetic metrics for each cause, and on metrics of real, successful training runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest

from avgdt.composition.composition import Composition
from avgdt.composition.factors import Modality, Repeats
from avgdt.evaluation.chance import chance_accuracy, chance_loss
from avgdt.evaluation.run_metrics import RetrievalMetrics
from avgdt.evaluation.verdict import FEWEST, verdict, verdict_from_file
from avgdt.evaluation.verdict_texts import Cause, Verdict
from avgdt.recipes.named import named
from avgdt.recipes.recipe import Recipe
from avgdt.recipes.training import Objective
from tests.helpers.recipes import tiny

Lines = list[dict[str, Any]]
BATCH = named("demo")
BANK = replace(BATCH, objective=Objective(negatives="bank", bank=96, momentum=0.95))
AUDIO = replace(
    tiny(composition=Composition(Modality(levels=("audio",)), Repeats(2), partners="equal")),
    schedule=BATCH.schedule,
)


def training(recipe: Recipe, accuracy: float | None = None, completed: float = 1.0, **last: float) -> Lines:
    """Return the training metrics of a run that has finished the fraction ``completed`` of its epochs.

    ``last`` are additional metrics of the second half of the run.
    """
    steps = 400
    lines = []
    for step in range(1, steps + 1):
        half = step > steps / 2
        metrics = {"loss": chance_loss(recipe, step), "accuracy": chance_accuracy(recipe, step), "gradient_norm": 20.0}
        metrics |= {f"std_{modality}": 0.6 for modality in recipe.composition.modalities}
        metrics |= {} if accuracy is None or not half else {"accuracy": accuracy}
        epoch = completed * recipe.schedule.epochs * step / steps
        lines.append({"kind": "train", "step": step, "epoch": epoch} | metrics | (last if half else {}))
    return lines


def heldout(r10: float, gallery: int = 96, median: float | None = None, **diagnosis: float) -> dict[str, Any]:
    """Return one held-out measurement; recall at 1 and at 5 is proportional to ``r10``, as for random scores."""
    middle = (gallery + 1) / 2 if median is None else median
    way = {"r1": r10 / 10, "r5": r10 / 2, "r10": r10, "median_rank": middle, "gallery": gallery}
    measured = {"effective_rank_video": 30.0, "effective_rank_audio": 30.0, "batch_norm_share": 0.05} | diagnosis
    return {"kind": "heldout", "step": 400, "video_to_audio": way, "audio_to_video": way, "diagnosis": measured}


CHANCE = 10 / 96
CASES: dict[str, tuple[str, Recipe, Lines, Lines]] = {
    "works": ("healthy", BATCH, training(BATCH, 0.5), [heldout(0.2), heldout(0.7)]),
    "works, early": ("healthy", BATCH, training(BATCH, 0.1, 0.2), [heldout(0.25)]),
    "early": ("plateau", BATCH, training(BATCH, completed=0.2), [heldout(CHANCE)]),
    "late, ranks better than chance": ("plateau", BATCH, training(BATCH, 0.06), [heldout(0.14, median=33)]),
    "one point": ("collapse", BATCH, training(BATCH, std_video=0.01), [heldout(CHANCE, effective_rank_video=1.01)]),
    "one direction": ("collapse", BATCH, training(BATCH), [heldout(CHANCE, effective_rank_audio=1.4)]),
    "one point, nothing held out": ("collapse", BATCH, training(BATCH, std_audio=0.02), []),
    "batch norm": ("batch-norm leak", BANK, training(BANK, 0.6), [heldout(CHANCE, batch_norm_share=0.7)]),
    "batch norm, early": ("batch-norm leak", BANK, training(BANK, 0.3, 0.2), [heldout(0.08, batch_norm_share=0.5)]),
    "age": ("bank shortcut", BANK, training(BANK, 0.8), [heldout(0.12, key_drift=0.3)]),
    "age, unused": ("bank shortcut", BANK, training(BANK), [heldout(0.1, key_drift=0.3), heldout(0.1, key_drift=0)]),
    "unrelated": ("no signal", BATCH, training(BATCH), [heldout(0.1), heldout(CHANCE)]),
    "unrelated, nothing held out": ("no signal", BATCH, training(BATCH), []),
    "memorised": ("overfitting", BATCH, training(BATCH, 0.95), [heldout(CHANCE)]),
    "partly memorised": ("overfitting", BATCH, training(BATCH, 0.95), [heldout(0.3)]),
    "falling": ("overfitting", BATCH, training(BATCH, 0.4), [heldout(0.2), heldout(0.8), heldout(0.5)]),
    "loss grows": ("diverging", BATCH, training(BATCH, loss=30.0), [heldout(CHANCE)]),
    "loss is nan": ("diverging", BATCH, training(BATCH, loss=float("nan")), []),
    "gradient grows": ("diverging", BATCH, training(BATCH, gradient_norm=900.0), [heldout(CHANCE)]),
    "few held out": ("not measured", BATCH, training(BATCH, 0.1), [heldout(0.25, gallery=FEWEST - 1)]),
    "nothing held out": ("not measured", BATCH, training(BATCH, 0.9), []),
    "nothing held out, early": ("plateau", BATCH, training(BATCH, completed=0.2), []),
    "one modality, views unrelated": ("no signal", AUDIO, training(AUDIO), []),
    "one modality": ("not measured", AUDIO, training(AUDIO, 0.9), []),
}


def verdict_on(name: str) -> Verdict:
    _, recipe, train, held_out = CASES[name]
    return verdict(recipe, train, held_out)


@pytest.mark.parametrize("name", CASES)
def test_the_cause_of_each_case_is_recognised(name: str) -> None:
    assert verdict_on(name).cause == CASES[name][0]


def test_all_causes_are_tested() -> None:
    assert Verdict.__dataclass_fields__["cause"].type == "Cause"
    assert {case[0] for case in CASES.values()} == set(get_args(Cause))


@pytest.mark.parametrize("name", CASES)
def test_texts_are_sentences_and_their_options_are_fields_of_the_recipe(name: str) -> None:
    result = verdict_on(name)
    for text in (result.headline, result.evidence, result.remedy):
        assert re.fullmatch(r"[A-Z][^\n]*\.", text)
        assert ".." not in text
    options = re.findall(r"--([\w.-]*\w)|(composition\.\w+)", result.remedy)
    for option in {one or other for one, other in options} - {"config"}:
        value: Any = CASES[name][1]
        for part in option.split("."):
            value = getattr(value, part.replace("-", "_"))


def test_the_evidence_contains_the_metrics() -> None:
    result = verdict_on("age")
    assert "0.30" in result.evidence
    assert "80.0 %" in result.evidence
    assert "chance level 10.4 %" in result.evidence
    assert "now 0.95" in result.remedy
    assert "now 96" in result.remedy


def test_runs_of_one_modality_are_referred_to_a_probe() -> None:
    assert "avgdt evaluate linear" in verdict_on("one modality").remedy
    assert "--data.held-out" in verdict_on("nothing held out").remedy
    unrelated = verdict_on("one modality, views unrelated")
    assert "video" not in unrelated.headline + unrelated.remedy


def test_a_recall_is_significant_with_enough_recordings() -> None:
    for gallery, cause in ((60, "plateau"), (600, "healthy")):
        result = verdict(BATCH, training(BATCH, 0.06, 0.2), [heldout(1.3 * 10 / gallery, gallery)])
        assert result.cause == ("plateau" if gallery == 600 else cause)
    assert verdict(BATCH, training(BATCH, 0.06, 0.2), [heldout(2.2 * 10 / 600, 600)]).cause == "healthy"


def test_recall_is_interpolated_at_the_chance_level_of_training() -> None:
    retrieval = RetrievalMetrics({1: 0.2, 5: 0.6, 10: 0.8}, None, 100)
    for chance, recall in ((0.001, 0.2), (0.01, 0.2), (0.03, 0.4), (0.05, 0.6), (0.075, 0.7), (0.5, 0.8)):
        lower, upper = retrieval.at(chance)
        assert lower < recall < upper


def test_unseen_recordings_replace_the_last_held_out_measurement() -> None:
    assert verdict(BATCH, training(BATCH, 0.4), [heldout(0.08)]).cause == "overfitting"
    assert verdict(BATCH, training(BATCH, 0.4), [heldout(0.08)], heldout(0.9)).cause == "healthy"
    assert verdict(BATCH, training(BATCH, 0.4), [heldout(0.9)], heldout(0.08)).cause == "overfitting"


def test_metrics_of_older_versions_give_a_verdict_without_missing_keys() -> None:
    old = {"accuracy", "kind", "step", "epoch"}
    train = [{name: line[name] for name in old} for line in training(BATCH, 0.5)]
    ways = {name: value for name, value in heldout(0.6).items() if name != "diagnosis"}
    assert verdict(BATCH, train, [ways]).cause == "healthy"


def test_the_effective_rank_is_ignored_in_early_steps() -> None:
    for steps, cause in ((20, "plateau"), (40, "collapse")):
        train = training(BATCH, completed=0.2)[:steps]
        assert verdict(BATCH, train, [heldout(CHANCE, effective_rank_audio=1.4)]).cause == cause


def test_an_initially_empty_bank_is_not_mistaken_for_divergence() -> None:
    train = training(BANK)
    train[0] |= {"loss": 0.0, "gradient_norm": 0.0}
    assert verdict(BANK, train, [heldout(CHANCE)]).cause == "no signal"
    assert verdict(BANK, [*train[:-100], *(line | {"gradient_norm": 900.0} for line in train[-100:])], []).cause == (
        "diverging"
    )


def test_the_verdict_can_be_read_from_a_metrics_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert verdict_from_file(BATCH, path) is None
    _, recipe, train, held_out = CASES["works"]
    path.write_text("".join(json.dumps(line) + "\n" for line in [*train, *held_out]))
    assert verdict_from_file(recipe, path) == verdict_on("works")


HEALTHY = [json.loads(line) for line in Path(__file__).with_name("healthy_runs.jsonl").read_text().splitlines()]
"""Metrics of successful runs on the demo's recordings and on GRID, as means over 20 steps."""


@pytest.mark.parametrize("run", HEALTHY, ids=lambda run: str(run["name"]))
def test_a_successful_run_is_never_called_broken(run: dict[str, Any]) -> None:
    recipe = replace(
        BATCH,
        objective=Objective(**run["objective"]),
        schedule=replace(BATCH.schedule, epochs=run["epochs"]),
        run=replace(BATCH.run, batch=run["batch"], log_every=20),
    )
    causes = []
    for number, line in enumerate(run["heldout"], start=1):
        train = [one for one in run["train"] if one["step"] <= line["step"]]
        causes.append(verdict(recipe, train, run["heldout"][:number]).cause)
    assert set(causes) <= {"healthy", "plateau"}
    assert causes[-1] == "healthy"
    middle = [line for line in run["train"] if line["epoch"] < run["epochs"] / 3]
    assert verdict(recipe, middle, []).cause in ("plateau", "not measured")


def test_the_verdict_is_imported_without_torch() -> None:
    code = "import sys, avgdt.evaluation.verdict; print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"


@pytest.mark.parametrize(("accuracy", "r10"), product((0.05, 0.5, 0.95), (0.02, 0.3, 0.95)))
def test_only_healthy_runs_have_the_level_good(accuracy: float, r10: float) -> None:
    result = verdict(BATCH, training(BATCH, accuracy), [heldout(r10)])
    assert (result.level == "good") == (result.cause == "healthy")
