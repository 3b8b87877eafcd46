"""What was evaluated: the run beside random weights beside chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avgdt.evaluation.results import Result, at, leaves
from avgdt.report.wording import percent

NAMES = {
    "accuracy": "right",
    "linear_layer": "linear layer:",
    "logistic_regression": "logistic regression:",
    "linear_svm": "linear support vector machine:",
    "nearest_neighbours": "nearest neighbours:",
    "end_to_end": "trained end to end:",
    "mean_class_accuracy": "right, mean over classes",
    "video_to_audio": "sound by picture:",
    "audio_to_video": "picture by sound:",
    "video_to_video": "picture by picture:",
    "audio_to_audio": "sound by sound:",
    "r1": "first",
    "r5": "among the first 5",
    "r10": "among the first 10",
    "r20": "among the first 20",
    "linear_probe": "linear probe:",
    "retrieval": "one of the same class found:",
    "median_rank": "median place",
}


@dataclass(frozen=True)
class Figure:
    """One number."""

    text: str
    interval: str = ""
    """Its 95 % interval; empty where it has none."""
    share: float | None = None
    """The number where it is a share of 0 to 1."""


@dataclass(frozen=True)
class Row:
    """One thing that was measured."""

    name: str
    pretrained: Figure
    random: Figure
    chance: Figure


@dataclass(frozen=True)
class Table:
    """One evaluation."""

    title: str
    explained: str
    about: str
    """Sizes and what was left out."""
    rows: tuple[Row, ...]
    command: str


def table(result: Result) -> Table:
    """The rows of every figure of ``result`` that has a chance level."""
    sizes = ", ".join(f"{number} {name}" for name, number in result["sizes"].items())
    skipped = f"; {len(result['skipped'])} could not be read" if result.get("skipped") else ""
    rows = tuple(
        Row(
            " ".join(words(name) for name in path),
            *(_figure(result[source], path) for source in ("pretrained", "random", "chance")),
        )
        for path in leaves(result["chance"])
    )
    return Table(
        title(result),
        _sentence(str(result.get("summary", ""))),
        f"{sizes}{skipped}",
        rows,
        str(result.get("command", "")),
    )


def title(result: Result) -> str:
    """The protocol and what of the recordings it looked at."""
    protocol, options = str(result["protocol"]), result["options"]
    named = [str(options[name]) for name in ("modality", "label") if options.get(name)]
    return " · ".join([str(result.get("title", protocol)), *named])


def _sentence(summary: str) -> str:
    return f"{summary[:1].upper()}{summary[1:]}." if summary else ""


def words(name: str) -> str:
    """A row or figure of a result as a person reads it."""
    return NAMES.get(name, name.replace("_", " "))


def _figure(tree: Mapping[str, Any], path: tuple[str, ...]) -> Figure:
    if at(tree, path) is None:
        return Figure("–")
    for name in path[:-1]:
        tree = tree[name]
    value = float(tree[path[-1]])
    if path[-1] == "median_rank":
        return Figure(f"{value:.1f}")
    bounds = tree.get("interval" if path[-1] == "accuracy" else f"{path[-1]}_interval")
    interval = f"{100 * bounds[0]:.0f} – {100 * bounds[1]:.0f}" if bounds else ""
    return Figure(percent(value), interval, value)
