from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from avgdt.report.headlines import Headline, headlines
from avgdt.report.run_folder import RunFolder
from tests.helpers.recipes import tiny
from tests.report.conftest import RESULT

RUN = RunFolder(Path("run"), tiny(), [], [], [], [], [])

TITLES = {"esc10": "ESC-10", "esc50": "ESC-50"}


def in_folds(protocol: str, row: str, accuracy: float, **more: Any) -> dict[str, Any]:
    return {
        "protocol": protocol,
        "title": TITLES.get(protocol, protocol.upper()),
        "options": {"seed": 0},
        "classes": [str(i) for i in range(10)],
        "pretrained": {row: {"accuracy": accuracy, **more}, "nearest_neighbours": {"accuracy": 0.9, **more}},
        "random": {row: {"accuracy": 0.5}},
        "chance": {row: {"accuracy": 0.1}, "nearest_neighbours": {"accuracy": 0.1}},
    }


def test_probes_and_data_sets() -> None:
    results = [
        in_folds("esc10", "linear_layer", 0.625, folds=[{}]),
        in_folds("esc10", "linear_layer", 0.1, folds=[{}]),  # an earlier one
        in_folds("dcase2014", "linear_svm", 0.75),
        in_folds("another", "linear_layer", 0.7, folds=[{}]),
        in_folds("finetune", "all_labels", 0.8, draws=[{}]),
        RESULT,
    ]
    told = headlines(replace(RUN, results=results), None)
    assert [(one.value, one.ink) for one in told] == [
        ("68.8\u202f%", "picture"),
        ("62.5\u202f%", "sound"),
        ("75.0\u202f%", "sound"),
        ("70.0\u202f%", "both"),
    ]
    assert told[1] == Headline(
        "of ESC-10 put into the right one of 10 classes (linear layer)",
        "sound",
        "62.5\u202f%",
        "50.0\u202f%",
        "10.0\u202f%",
    )


def test_random_weights_that_were_not_measured_are_not_told() -> None:
    result = in_folds("esc50", "linear_layer", 0.6, folds=[{}]) | {"random": {}}
    (told,) = headlines(replace(RUN, results=[result]), None)
    assert told.random == ""
