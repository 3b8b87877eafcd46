"""Tables of evaluation results, which compare the run with random weights and with the chance level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avgdt.evaluation.results import Result, at, format_sizes, metric_paths
from avgdt.report.formatting import percent

NAMES = {
    "linear_layer": "linear layer",
    "logistic_regression": "logistic regression",
    "linear_svm": "linear support vector machine",
    "nearest_neighbours": "nearest neighbours",
    "end_to_end": "trained end to end",
    "mean_class_accuracy": "mean class accuracy",
    "video_to_audio": "video to audio",
    "audio_to_video": "audio to video",
    "video_to_video": "video to video",
    "audio_to_audio": "audio to audio",
    "r1": "recall at 1",
    "r5": "recall at 5",
    "r10": "recall at 10",
    "r20": "recall at 20",
    "linear_probe": "linear probe",
    "retrieval": "same-class retrieval",
    "median_rank": "median rank",
    "nearest_other_of_same_class": "nearest other recording is of the same class",
}
"""Display names of rows and metrics, by key; for other keys, spaces replace the underscores."""


@dataclass(frozen=True)
class Value:
    """A value in a results table, as text."""

    text: str
    interval: str = ""
    """95 % confidence interval as text; empty if there is none."""
    fraction: float | None = None
    """The value as a fraction from 0 to 1; None if it is not a fraction."""


@dataclass(frozen=True)
class Row:
    """One metric of the run, with its value for random weights and at chance level."""

    name: str
    pretrained: Value
    random: Value
    chance: Value


@dataclass(frozen=True)
class ResultTable:
    """The table of one evaluation."""

    title: str
    explained: str
    sizes: str
    """Sizes of the data and the number of skipped recordings, as text."""
    rows: tuple[Row, ...]
    command: str


def table(result: Result) -> ResultTable:
    """Return the table of ``result``, with one row for each metric that has a chance level."""
    skipped = f"; {len(result['skipped'])} skipped" if result.get("skipped") else ""
    rows = tuple(
        Row(row_name(path), *(_value(result[source], path) for source in ("pretrained", "random", "chance")))
        for path in metric_paths(result["chance"])
    )
    return ResultTable(
        result_title(result),
        _sentence(str(result.get("summary", ""))),
        f"{format_sizes(result)}{skipped}",
        rows,
        str(result.get("command", "")),
    )


def main_row(result: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the path to the main row of ``result``: its first row with an accuracy.

    The path is empty if the result is a single row. Returns None if no row has an accuracy, as in retrieval.
    """
    chance = result["chance"]
    if "accuracy" in chance:
        return ()
    return next(((name,) for name, row in chance.items() if isinstance(row, Mapping) and "accuracy" in row), None)


def result_title(result: Result) -> str:
    """Return the title of the protocol, with the modality and the label column of the evaluation."""
    protocol, options = str(result["protocol"]), result["options"]
    named = [str(options[name]) for name in ("modality", "label") if options.get(name)]
    return " · ".join([str(result.get("title", protocol)), *named])


def _sentence(summary: str) -> str:
    return f"{summary[:1].upper()}{summary[1:]}." if summary else ""


def row_name(path: tuple[str, ...]) -> str:
    """Return the display name of the row or metric at ``path``."""
    return ", ".join(NAMES.get(name, name.replace("_", " ")) for name in path)


def _value(tree: Mapping[str, Any], path: tuple[str, ...]) -> Value:
    if at(tree, path) is None:
        return Value("–")
    for name in path[:-1]:
        tree = tree[name]
    value = float(tree[path[-1]])
    if path[-1] == "median_rank":
        return Value(f"{value:.1f}")
    bounds = tree.get("interval" if path[-1] == "accuracy" else f"{path[-1]}_interval")
    interval = f"{100 * bounds[0]:.0f} – {100 * bounds[1]:.0f}" if bounds else ""
    return Value(percent(value), interval, value)
