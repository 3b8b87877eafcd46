from __future__ import annotations

from pathlib import Path

import pytest

from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.outcome import (
    DataTable,
    Experiment,
    Plot,
    PlotSeries,
    ReferenceLine,
    read_outcome,
    write_outcome,
)


def outcome() -> Experiment:
    series = (PlotSeries("a", (1.0, 2.0), (0.1, 0.2), (0.05, 0.1), (0.2, 0.3)), PlotSeries("b", (1.0, 2.0), (0.3, 0.4)))
    return Experiment(
        "Title",
        "Question?",
        ("An answer.",),
        (("data", "films.csv"),),
        (
            Plot(
                "accuracy",
                "Accuracy",
                "Note.",
                "lines",
                "epoch",
                "accuracy (%)",
                series,
                (ReferenceLine("chance", 0.1),),
            ),
        ),
        (DataTable("runs", "Runs", ("cell", "accuracy"), (("x", 12.5), ("y", None)), "Note."),),
        "avgdt ablate jitter",
        "2026-11-28",
        "a machine",
        "1a",
    )


def test_an_outcome_is_read_back_unchanged(tmp_path: Path) -> None:
    write_outcome(outcome(), tmp_path)
    assert read_outcome(tmp_path) == outcome()


def test_a_folder_without_an_outcome_raises_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"contains no experiment\.json"):
        read_outcome(tmp_path / "other")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"title": 3}', "null"])
def test_a_damaged_outcome_raises_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "experiment.json").write_text(text)
    with pytest.raises(ExperimentError, match=r"is not the outcome of an experiment"):
        read_outcome(tmp_path)
