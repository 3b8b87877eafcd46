from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avgdt.evaluation.verdict import verdict
from avgdt.report.run_folder import RunFolder
from avgdt.report.summary import Headline, headlines, run_verdict
from tests.helpers.recipes import tiny
from tests.report.conftest import RESULT

RUN = RunFolder(Path("run"), tiny(), [], [])


def run_with(accuracy: float, r10: float | None, gallery: int = 60) -> RunFolder:
    train = [{"step": step, "epoch": step / 10, "accuracy": accuracy if step > 90 else 0.0} for step in range(1, 101)]
    return RunFolder(Path("run"), tiny(), train, [] if r10 is None else [ways(r10, gallery)])


def ways(r10: float, gallery: int = 60) -> dict[str, Any]:
    way = {"r1": r10, "r5": r10, "r10": r10, "gallery": gallery}
    return {"video_to_audio": way, "audio_to_video": way}


def examples(r10: float, split: str = "test") -> dict[str, Any]:
    return {"networks": [], "retrieval": {"split": split, "pretrained": ways(r10), "random": ways(0.2)}}


@pytest.mark.parametrize(
    ("accuracy", "r10", "cause"),
    [
        (0.5, 0.95, "healthy"),
        (0.1, 0.35, "healthy"),
        (0.9, 0.17, "overfitting"),
        (0.9, 0.05, "overfitting"),
        (0.1, 0.17, "plateau"),
        (0.1, 0.25, "plateau"),  # with 15 of 60 and a chance level of 10 of 60, the interval includes the chance level
        (0.9, None, "not measured"),
    ],
)
def test_the_summary_contains_the_verdict_on_the_metrics(accuracy: float, r10: float | None, cause: str) -> None:
    run = run_with(accuracy, r10)
    assert run_verdict(run).cause == cause
    assert run_verdict(run) == verdict(run.recipe, run.train, run.heldout)


def test_unseen_examples_take_precedence_over_the_metrics_of_training() -> None:
    run = run_with(0.5, 0.1)
    assert run_verdict(replace(run, examples=examples(0.95))).cause == "healthy"
    assert run_verdict(replace(run, examples=examples(0.95, "training"))).cause == "overfitting"
    assert run_verdict(replace(run, examples={"networks": [], "reason": "no weights"})).cause == "overfitting"


def in_folds(protocol: str, row: str, accuracy: float, **more: Any) -> dict[str, Any]:
    return {
        "protocol": protocol,
        "title": f"Title of {protocol}",
        "options": {"seed": 0},
        "classes": [str(i) for i in range(10)],
        "pretrained": {row: {"accuracy": accuracy, **more}, "nearest_neighbours": {"accuracy": 0.9, **more}},
        "random": {row: {"accuracy": 0.5}},
        "chance": {row: {"accuracy": 0.1}, "nearest_neighbours": {"accuracy": 0.1}},
    }


def test_probes_and_benchmarks_have_headlines() -> None:
    results = [
        in_folds("esc10", "linear_layer", 0.625, folds=[{}]),
        in_folds("esc10", "linear_layer", 0.1, folds=[{}]),  # an earlier result
        in_folds("dcase2014", "linear_svm", 0.75),
        in_folds("another", "linear_layer", 0.7, folds=[{}]),
        in_folds("finetune", "all_labels", 0.8, draws=[{}]),
        RESULT,
    ]
    all_headlines = headlines(replace(RUN, results=results))
    assert [(one.value, one.modality) for one in all_headlines] == [
        ("68.8\u202f%", "video"),
        ("62.5\u202f%", "audio"),
        ("75.0\u202f%", "audio"),
        ("70.0\u202f%", "both"),
    ]
    assert all_headlines[0].name == "accuracy of a linear probe, video, 2 classes"
    assert all_headlines[1] == Headline(
        "accuracy on Title of esc10, linear layer, 10 classes",
        "audio",
        "62.5\u202f%",
        "50.0\u202f%",
        "10.0\u202f%",
    )


def test_the_retrieval_headline_prefers_unseen_examples_to_held_out_recordings() -> None:
    run = run_with(0.9, 0.1)
    for seen, value, random in ((examples(0.9), "90.0", "20.0"), (examples(0.9, "training"), "10.0", None)):
        there, back = headlines(replace(run, examples=seen))
        assert there.name == "recall at 10 of video to audio retrieval among 60 recordings outside the training set"
        assert (there.modality, back.modality) == ("video", "audio")
        assert there.value == f"{value}\u202f%"
        assert there.random == (f"{random}\u202f%" if random else "")
        assert there.chance == "16.7\u202f%"


def test_random_weights_that_were_not_evaluated_have_no_value() -> None:
    result = in_folds("esc50", "linear_layer", 0.6, folds=[{}]) | {"random": {}}
    (headline,) = headlines(replace(RUN, results=[result]))
    assert headline.random == ""
